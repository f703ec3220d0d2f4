// The program pipebd with the real engine, on the distillation of the demo.
#pragma once

#include <QFile>
#include <QProcess>
#include <QRegularExpression>
#include <QString>
#include <QStringList>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

inline const QString pipebd_program = QStringLiteral(PIPEBD_BIN_DIR "/pipebd");
inline const QString experiment_file = QStringLiteral(PIPEBD_SOURCE_DIR "/tests/cli/digits-nas.toml");
// Small batches and few steps: the real models, in seconds.
inline const QStringList small{"--set", "data.batch=8", "--set", "train.steps=6"};
// For them, measured once for two CPU ranks.
inline const QStringList with_profile{"--profile", PIPEBD_SOURCE_DIR "/tests/cli/nas-digits-8.json"};

/// A profile of the large batch of 4096, made of the figures of the small one: good enough to start a run that needs much memory.
inline QString large_profile_in(const QString& folder)
{
    QFile measured(with_profile.last());
    QFile profile(folder + "/large.json");
    if (!measured.open(QIODevice::ReadOnly) || !profile.open(QIODevice::WriteOnly))
        return {};
    profile.write(measured.readAll()
                      .replace("\"batch\": 8", "\"batch\": 4096")
                      .replace("\"8\":", "\"4096\":")
                      .replace("\"4\":", "\"2048\":"));
    return profile.fileName();
}

/// Returns `name`.
inline QString write(const QString& name, const QByteArray& bytes)
{
    QFile file(name);
    if (!file.open(QIODevice::WriteOnly) || file.write(bytes) != bytes.size())
        qFatal("cannot write %s", qPrintable(name));
    return name;
}

struct Ended {
    int status = 0;
    QString output;
    QString errors;
};

/// Started with standard output and error in pipes; ends with the object.
inline void start(QProcess& process, const QString& lab, const QStringList& arguments)
{
    process.setProgram(pipebd_program);
    process.setArguments(QStringList{"--lab", lab} + arguments);
    process.start();
}

inline Ended run(const QString& lab, const QStringList& arguments)
{
    QProcess process;
    start(process, lab, arguments);
    process.waitForFinished(300'000);
    return {
        process.exitCode(), QString::fromUtf8(process.readAllStandardOutput()), QString::fromUtf8(process.readAllStandardError())};
}

/// The pids of the engines that work for `lab`, by their command lines.
inline std::vector<int> engines_of(const QString& lab)
{
    std::vector<int> pids;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
        std::string name = entry.path().filename();
        if (name.find_first_not_of("0123456789") != std::string::npos)
            continue;
        std::ifstream file(entry.path() / "cmdline");
        std::string line((std::istreambuf_iterator<char>(file)), {});
        if (line.find("pipebd-engine") != std::string::npos && line.find("train") != std::string::npos
            && line.find(lab.toStdString()) != std::string::npos)
            pids.push_back(std::stoi(name));
    }
    return pids;
}

/// The only number that `pattern` finds in `text`; -1 if it finds none.
inline std::int64_t number_in(const QString& text, const QString& pattern)
{
    const QRegularExpressionMatch match = QRegularExpression(pattern).match(text);
    return match.hasMatch() ? match.captured(1).toLongLong() : -1;
}
