#include "gui/lab/launcher.h"

#include <QCoreApplication>
#include <QDateTime>
#include <QDir>
#include <QFile>
#include <QFileInfo>
#include <QProcess>
#include <QStandardPaths>

#include <algorithm>
#include <chrono>
#include <utility>

namespace pipebd::gui {

using namespace std::chrono_literals;

namespace {

constexpr int scansToWait = 2; // a scan that began before the end may lack the run
constexpr qint64 tailBytes = 16384; // of a log, enough for an error line

bool isRunning(qint64 pid)
{
    QFile stat(QStringLiteral("/proc/%1/stat").arg(pid));
    if (!stat.open(QIODevice::ReadOnly))
        return false;
    const QByteArray text = stat.readAll();
    const char state = text.mid(text.lastIndexOf(')') + 2, 1).isEmpty() ? 'X' : text.at(text.lastIndexOf(')') + 2);
    return state != 'Z' && state != 'X';
}

/// The last line that reports an error, else the last line.
QString errorIn(const QByteArray& output)
{
    QString last;
    QString error;
    for (const QByteArray& raw : output.split('\n')) {
        const QString line = QString::fromUtf8(raw).trimmed();
        if (line.isEmpty())
            continue;
        last = line;
        if (line.contains(QLatin1String("error: ")))
            error = line.section(QStringLiteral("error: "), 1);
    }
    return error.isEmpty() ? last : error;
}

QString errorInFile(const QString& log)
{
    QFile file(log);
    if (!file.open(QIODevice::ReadOnly))
        return {};
    file.seek(std::max<qint64>(0, file.size() - tailBytes));
    return errorIn(file.readAll());
}

/// The ids of the runs that have a folder, which is called NNNN-name.
std::set<int> runsIn(const QString& lab)
{
    std::set<int> ids;
    for (const QString& name : QDir(lab + QStringLiteral("/runs")).entryList(QDir::Dirs | QDir::NoDotAndDotDot, QDir::Unsorted))
        ids.insert(name.section(QLatin1Char('-'), 0, 0).toInt());
    return ids;
}

} // namespace

QString findPipebd()
{
    const QString named = qEnvironmentVariable("PIPEBD_PROGRAM");
    if (!named.isEmpty())
        return named;
    const QFileInfo beside(QCoreApplication::applicationDirPath() + QStringLiteral("/pipebd"));
    return beside.isExecutable() ? beside.absoluteFilePath() : QStandardPaths::findExecutable(QStringLiteral("pipebd"));
}

QStringList runArguments(const StartRequest& request, const QString& lab)
{
    QStringList arguments{QStringLiteral("run")};
    if (!request.file.isEmpty())
        arguments << request.file;
    arguments << QStringLiteral("--lab") << lab;
    const auto add = [&](const char* option, const QString& value) {
        if (!value.isEmpty())
            arguments << QLatin1String(option) << value;
    };
    add("--strategy", request.strategy);
    add("--devices", request.devices);
    add("--profile", request.profile);
    add("--stage", request.stage);
    add("--from", request.from > 0 ? QString::number(request.from) : QString());
    add("--resume", request.resume > 0 ? QString::number(request.resume) : QString());
    add("--checkpoint", request.checkpoint);
    for (const QString& setting : request.settings)
        arguments << QStringLiteral("--set") << setting;
    return arguments;
}

QStringList stopArguments(int runId, bool now, const QString& lab)
{
    QStringList arguments{QStringLiteral("runs"), QStringLiteral("stop"), QString::number(runId)};
    if (now)
        arguments << QStringLiteral("--now");
    return arguments << QStringLiteral("--lab") << lab;
}

Launcher::Launcher(QString lab, QObject* parent)
    : QObject(parent)
    , m_lab(std::move(lab))
{
    m_timer.setInterval(100ms);
    connect(&m_timer, &QTimer::timeout, this, &Launcher::lookForEnds);
}

void Launcher::start(const StartRequest& request)
{
    const QString program = findPipebd();
    if (program.isEmpty()) {
        emit startFailed(
            tr("The program pipebd was found neither beside this program nor in PATH; install it, or set PIPEBD_PROGRAM"));
        return;
    }
    const QString logs = m_lab + QStringLiteral("/logs");
    Starting starting;
    starting.log = logs + QDateTime::currentDateTimeUtc().toString(QStringLiteral("'/start-'yyyyMMdd'T'HHmmss.zzz'.txt'"));
    if (!QDir().mkpath(logs)) {
        emit startFailed(tr("Cannot create the folder for logs: %1; check the permissions of the lab").arg(logs));
        return;
    }
    starting.before = runsIn(m_lab);
    QProcess process;
    process.setProgram(program);
    process.setArguments(runArguments(request, m_lab));
    process.setWorkingDirectory(m_lab);
    process.setStandardInputFile(QProcess::nullDevice());
    process.setStandardOutputFile(starting.log);
    process.setStandardErrorFile(starting.log, QIODevice::Append);
    if (!process.startDetached(&starting.pid)) {
        QFile::remove(starting.log);
        emit startFailed(tr("Cannot start the program: %1: %2").arg(program, process.errorString()));
        return;
    }
    m_starting.push_back(starting);
    m_timer.start();
}

void Launcher::lookForEnds()
{
    for (Starting& starting : m_starting)
        if (starting.scansSinceEnd < 0 && !isRunning(starting.pid))
            starting.scansSinceEnd = 0;
}

void Launcher::lookAt(const RunRecords& runs)
{
    std::vector<int> found;
    QStringList errors;
    QStringList logsDoneWith;
    std::erase_if(m_starting, [&](Starting& starting) {
        const auto run
            = std::find_if(runs->begin(), runs->end(), [&](const auto& candidate) { return isRunOf(starting, candidate); });
        if (run != runs->end()) {
            if (!std::exchange(starting.run, run->id))
                found.push_back(run->id);
            if (run->state == store::RunState::Queued)
                return false; // what pipebd says may still be needed
            if (run->state != store::RunState::Failed && run->state != store::RunState::Lost)
                logsDoneWith << starting.log;
            return true;
        }
        if (starting.run)
            return true; // removed meanwhile
        if (starting.scansSinceEnd < 0 || ++starting.scansSinceEnd < scansToWait)
            return false;
        const QString error = errorInFile(starting.log);
        errors << (error.isEmpty() ? tr("pipebd run ended with no message; run it in a terminal to see why") : error);
        logsDoneWith << starting.log;
        return true;
    });
    if (m_starting.empty())
        m_timer.stop();
    for (const int id : found)
        emit started(id);
    for (const QString& error : std::as_const(errors))
        emit startFailed(error);
    for (const QString& log : std::as_const(logsDoneWith))
        QFile::remove(log);
}

bool Launcher::isRunOf(const Starting& starting, const store::RunRecord& run) const
{
    if (starting.run)
        return run.id == *starting.run;
    return run.supervisor.pid == starting.pid && run.supervisor.host == m_here.host && run.supervisor.boot_id == m_here.boot_id
        && !starting.before.contains(run.id);
}

void Launcher::stop(int runId, bool now)
{
    auto* process = new QProcess; // deletes itself when it has ended: the destructor of one that runs would wait for it
    connect(process, &QProcess::finished, process, &QObject::deleteLater);
    process->setProcessChannelMode(QProcess::MergedChannels);
    process->setStandardInputFile(QProcess::nullDevice());
    connect(process, &QProcess::finished, this, [this, process](int code, QProcess::ExitStatus status) {
        if (status != QProcess::NormalExit || code != 0)
            emit stopFailed(errorIn(process->readAll()));
    });
    connect(process, &QProcess::errorOccurred, this, [this, process](QProcess::ProcessError error) {
        if (error != QProcess::FailedToStart)
            return;
        emit stopFailed(tr("Cannot start the program: %1").arg(process->errorString()));
    });
    connect(process, &QProcess::errorOccurred, process, [process](QProcess::ProcessError error) {
        if (error == QProcess::FailedToStart)
            process->deleteLater();
    });
    process->start(findPipebd(), stopArguments(runId, now, m_lab));
}

} // namespace pipebd::gui
