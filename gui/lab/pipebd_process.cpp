#include "gui/lab/pipebd_process.h"

#include "gui/lab/launcher.h"

#include <QJsonDocument>
#include <QJsonObject>
#include <QLocale>
#include <QTimer>

#include <algorithm>
#include <chrono>
#include <utility>

namespace pipebd::gui {

using namespace std::chrono_literals;

namespace {

constexpr qsizetype mostOutput = 64 << 20; // bytes; a description of a large pair is one
constexpr qsizetype longestLine = 1 << 20;
constexpr qsizetype longestError = 4000; // characters
constexpr qsizetype mostErrors = 16 << 20;
constexpr auto timeToEnd = 3s;

// Ends it sooner or later, whatever becomes of who started it.
void endLater(QProcess* process)
{
    process->disconnect();
    process->setParent(nullptr);
    QObject::connect(process, &QProcess::finished, process, &QObject::deleteLater);
    QObject::connect(process, &QProcess::readyReadStandardOutput, process, [process] { process->readAllStandardOutput(); });
    QObject::connect(process, &QProcess::readyReadStandardError, process, [process] { process->readAllStandardError(); });
    if (process->state() == QProcess::NotRunning) {
        process->deleteLater();
        return;
    }
    process->terminate();
    QTimer::singleShot(timeToEnd, process, &QProcess::kill);
}

} // namespace

PipebdProcess::PipebdProcess(QObject* parent)
    : QObject(parent)
{
    m_silence.setSingleShot(true);
    connect(&m_silence, &QTimer::timeout, this, [this] {
        fail(tr("pipebd printed nothing for %1 s and was stopped; run the same command in a terminal to see what it does")
                 .arg(QLocale().toString(static_cast<double>(m_patience.count()) / 1000)));
    });
}

PipebdProcess::~PipebdProcess()
{
    letGo();
}

void PipebdProcess::start(const QStringList& arguments)
{
    letGo();
    m_output.clear();
    m_line.clear();
    m_error.clear();
    m_lastLine.clear();
    m_errorBytes = 0;
    m_fraction = -1;
    m_cancelled = false;
    const QString program = findPipebd();
    m_process = new QProcess(this);
    m_process->setProgram(program);
    m_process->setArguments(arguments);
    m_process->setStandardInputFile(QProcess::nullDevice());
    connect(m_process, &QProcess::readyReadStandardError, this, &PipebdProcess::readErrors);
    connect(m_process, &QProcess::readyReadStandardOutput, this, &PipebdProcess::readOutput);
    connect(m_process, &QProcess::finished, this, &PipebdProcess::end);
    connect(
        m_process, &QProcess::errorOccurred, this,
        [this, process = m_process](QProcess::ProcessError error) {
            if (error == QProcess::FailedToStart && m_process == process)
                fail(tr("Cannot start the program pipebd: %1; install it, or set PIPEBD_PROGRAM").arg(m_process->errorString()));
        },
        Qt::QueuedConnection);
    if (m_patience.count() > 0)
        m_silence.start(m_patience);
    m_process->start();
}

void PipebdProcess::stop()
{
    letGo();
}

void PipebdProcess::cancel()
{
    if (!m_process)
        return;
    m_cancelled = true;
    m_process->terminate();
    QTimer::singleShot(timeToEnd, m_process, &QProcess::kill);
}

void PipebdProcess::readOutput()
{
    m_output += m_process->readAllStandardOutput();
    if (m_silence.isActive())
        m_silence.start();
    if (m_output.size() > mostOutput)
        fail(tr("pipebd printed more than %1 MB and was stopped; run the same command in a terminal to see what it prints")
                 .arg(mostOutput >> 20));
}

void PipebdProcess::readErrors()
{
    const QByteArray said = m_process->readAllStandardError();
    m_line += said;
    m_errorBytes += said.size();
    if (m_silence.isActive())
        m_silence.start();
    qsizetype begin = 0;
    for (qsizetype end = m_line.indexOf('\n'); end >= 0; end = m_line.indexOf('\n', begin)) {
        takeLine(m_line.mid(begin, end - begin));
        begin = end + 1;
    }
    m_line.remove(0, begin);
    if (m_line.size() > longestLine)
        fail(
            tr("pipebd printed a line of more than %1 MB and was stopped; run the same command in a terminal to see what it prints")
                .arg(longestLine >> 20));
    else if (m_errorBytes > mostErrors)
        fail(tr(
            "pipebd printed more than %1 MB of messages and was stopped; run the same command in a terminal to see what it prints")
                 .arg(mostErrors >> 20));
    else if (m_fraction >= 0)
        emit progressed(std::exchange(m_fraction, -1), m_doing);
}

void PipebdProcess::takeLine(const QByteArray& line)
{
    const QString text = QString::fromUtf8(line).trimmed();
    if (text.isEmpty())
        return;
    const QJsonObject message = line.startsWith('{') ? QJsonDocument::fromJson(line).object() : QJsonObject();
    if (message.contains(QLatin1String("progress"))) {
        m_fraction = std::clamp(message.value(QLatin1String("progress")).toDouble(), 0.0, 1.0);
        m_doing = message.value(QLatin1String("doing")).toString();
        return;
    }
    if (message.contains(QLatin1String("note"))) {
        emit noted(message.value(QLatin1String("note")).toString());
        return;
    }
    m_lastLine = text.left(longestError);
    if (text.contains(QLatin1String("error: ")))
        m_error = text.section(QStringLiteral("error: "), 1).left(longestError);
}

void PipebdProcess::end(int status, QProcess::ExitStatus how)
{
    readErrors();
    if (m_process)
        readOutput();
    if (!m_process)
        return;
    if (!m_line.isEmpty())
        takeLine(std::exchange(m_line, {}));
    if (m_cancelled) {
        letGo();
        emit cancelled();
    } else if (how == QProcess::CrashExit) {
        fail(m_error.isEmpty() ? tr("pipebd was killed or crashed; run the same command in a terminal to see why") : m_error);
    } else if (status != 0) {
        const QString said = m_error.isEmpty() ? m_lastLine : m_error;
        fail(said.isEmpty() ? tr("pipebd exited with status %1 and no message").arg(status) : said);
    } else {
        const QByteArray output = std::exchange(m_output, {});
        letGo();
        emit finished(output);
    }
}

void PipebdProcess::fail(const QString& error)
{
    letGo();
    emit failed(error);
}

void PipebdProcess::letGo()
{
    m_silence.stop();
    if (QProcess* process = std::exchange(m_process, nullptr))
        endLater(process);
}

} // namespace pipebd::gui
