// PipebdProcess: the program pipebd at work for the window, which hears how far it has come and what it answers, and can cancel it.
//
// For what the window itself waits for: to measure, to import, to describe a pair. (Runs are the Launcher's: they outlive the
// window.) The program's output is not trusted: too much of it, or a line that is too long, ends it with an error; what is not
// understood is passed over. GUI thread.
#pragma once

#include <QByteArray>
#include <QObject>
#include <QProcess>
#include <QString>
#include <QStringList>

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
    bool m_cancelled = false;
};

} // namespace pipebd::gui
