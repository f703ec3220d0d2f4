// The program pipebd as a user sees it, with the fake engine and a lab of its own.
#pragma once

#include <QElapsedTimer>
#include <QFile>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QProcess>
#include <QTemporaryDir>
#include <QTest>

struct Said {
    int status = -1;
    QByteArray out;
    QByteArray err;
    qint64 milliseconds = 0;

    QJsonObject object() const { return QJsonDocument::fromJson(out).object(); }
    QJsonArray array() const { return QJsonDocument::fromJson(out).array(); }
};

class Workplace {
public:
    QString path(const QString& name) const { return folder_.filePath(name); }

    QString write(const QString& name, const QByteArray& text) const
    {
        QFile file(path(name));
        if (!file.open(QIODevice::WriteOnly) || file.write(text) != text.size())
            qFatal("cannot write %s", qPrintable(name));
        return path(name);
    }

    /// Starts pipebd here; FAKE_ENGINE is `told`.
    std::unique_ptr<QProcess> start(const QStringList& arguments, const QByteArray& told = {}) const
    {
        return start_program(PIPEBD_BIN_DIR "/pipebd", arguments, told);
    }

    /// Runs a line of the shell to its end.
    void run_shell(const QString& line, const QByteArray& told) const
    {
        if (!start_program("/bin/sh", {"-c", line}, told)->waitForFinished(20'000))
            qFatal("the shell does not end");
    }

    Said run(const QStringList& arguments, const QByteArray& told = {}) const
    {
        QElapsedTimer timer;
        timer.start();
        const auto process = start(arguments, told);
        if (!process->waitForFinished(20'000))
            qFatal("pipebd does not end");
        return {process->exitCode(), process->readAllStandardOutput(), process->readAllStandardError(), timer.elapsed()};
    }

    /// The state that `pipebd runs list` shows of the newest run; empty if there is none.
    QString newest_state() const { return run({"runs", "list", "--json"}).array().at(0)["state"].toString(); }

private:
    std::unique_ptr<QProcess> start_program(const QString& program, const QStringList& arguments, const QByteArray& told) const
    {
        auto process = std::make_unique<QProcess>();
        QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
        environment.insert("PIPEBD_ENGINE", FAKE_ENGINE);
        environment.insert("PIPEBD_LAB", path("lab"));
        environment.insert("FAKE_ENGINE", told);
        process->setProcessEnvironment(environment);
        process->setWorkingDirectory(folder_.path());
        process->start(program, arguments);
        if (!process->waitForStarted())
            qFatal("cannot start %s", qPrintable(program));
        return process;
    }

    QTemporaryDir folder_;
};
