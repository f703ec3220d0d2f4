// The program pipebd with the real engine, on the demo's experiment.
#pragma once

#include <QProcess>
#include <QString>
#include <QStringList>

inline const QString pipebd_program = QStringLiteral(PIPEBD_BIN_DIR "/pipebd");
inline const QString experiment_file = QStringLiteral(PIPEBD_SOURCE_DIR "/experiments/digits-nas.toml");
// Small batches and few steps: the real models, in seconds.
inline const QStringList small{"--set", "data.batch=8", "--set", "train.steps=6"};
// For them, measured once for two CPU ranks.
inline const QStringList with_profile{"--profile", PIPEBD_SOURCE_DIR "/tests/cli/nas-digits-8.json"};

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
