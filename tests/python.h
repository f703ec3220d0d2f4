// Python as an oracle: what programs of others make of the same models and data. Which Python: PIPEBD_PYTHON, else python3.
#pragma once

#include <QProcess>
#include <QProcessEnvironment>
#include <QString>
#include <QStringList>

namespace pipebd::test {

struct PythonEnded {
    int status = -1; // of the exit; -1 if it did not start, crashed or took too long
    QString output;
    QString errors;
};

/// In `folder`, or where the test runs.
inline PythonEnded python(const QStringList& arguments, const QString& folder = {}, int milliseconds = 600'000)
{
    QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
    environment.insert("OMP_NUM_THREADS", "1");
    QProcess process;
    process.setProcessEnvironment(environment);
    process.setWorkingDirectory(folder);
    process.start(qEnvironmentVariable("PIPEBD_PYTHON", "python3"), arguments);
    const bool ended = process.waitForFinished(milliseconds) && process.exitStatus() == QProcess::NormalExit;
    return {ended ? process.exitCode() : -1, QString::fromUtf8(process.readAllStandardOutput()),
        QString::fromUtf8(process.readAllStandardError())};
}

/// Of a script in tests/python.
inline PythonEnded pythonScript(const QString& name, const QStringList& arguments)
{
    return python(QStringList{QStringLiteral(PIPEBD_SOURCE_DIR "/tests/python/") + name} + arguments);
}

/// Why these modules ("torch, torchvision") cannot be used; empty if they can.
inline QString whyPythonCannotImport(const QString& modules)
{
    const PythonEnded imported = python({"-c", "import " + modules});
    if (imported.status == 0)
        return {};
    const QString last = imported.errors.trimmed().section('\n', -1);
    return "Python cannot import " + modules + " (PIPEBD_PYTHON names one that can): "
        + (last.isEmpty() ? QStringLiteral("it does not start") : last);
}

} // namespace pipebd::test
