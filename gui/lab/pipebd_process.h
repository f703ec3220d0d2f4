// PipebdProcess: the program pipebd at work for the window, which hears how far it has come and what it answers, and can cancel it.
//
// For what the window itself waits for: to measure, to import, to describe a pair. (Runs are the Launcher's: they outlive the
// window.) The program's output is not trusted: too much of it, or a line that is too long, ends it with an error; what is not
// understood is passed over. However much it says, the window hears of it at its own pace. GUI thread.
#pragma once

#include <QByteArray>
#include <QObject>
#include <QProcess>
#include <QString>
#include <QStringList>
#include <QTimer>

#include <chrono>

namespace pipebd::gui {

class PipebdProcess : public QObject {
    Q_OBJECT

public:
    explicit PipebdProcess(QObject* parent = nullptr);
    ~PipebdProcess() override; // cancels

    /// What follows "pipebd". One at a time: whatever is going on is cancelled, without a word. Ends in one of finished(), failed()
    /// and cancelled(), after start() has returned.
    void start(const QStringList& arguments);
    bool isRunning() const { return m_process != nullptr; }
    /// Asks it to end, and kills it if it has not after 3 s.
    void cancel();
    /// Ends it without a word.
    void stop();
    /// After so long without a word from it, it is ended with an error; 0 (as at first): never.
    void setPatience(std::chrono::milliseconds patience) { m_patience = patience; }

signals:
    void progressed(double fraction, const QString& doing); // 0 to 1
    void noted(const QString& note);
    void finished(const QByteArray& output); // its standard output
    void failed(const QString& error); // one line
    void cancelled();

private:
    void readErrors();
    void readOutput();
    void takeLine(const QByteArray& line);
    void end(int status, QProcess::ExitStatus how);
    void fail(const QString& error);
    void letGo();

    QProcess* m_process = nullptr;
    QByteArray m_output;
    QByteArray m_line; // of its standard error, not ended yet
    QString m_error; // what it has said last that may be one
    QString m_lastLine;
    qsizetype m_errorBytes = 0; // of its standard error so far
    double m_fraction = -1; // not told yet; -1: told
    QString m_doing;
    bool m_cancelled = false;
    std::chrono::milliseconds m_patience{0};
    QTimer m_silence;
};

} // namespace pipebd::gui
