#include "gui/kit/reader_thread.h"

#include <QCoreApplication>
#include <QObject>
#include <QSet>
#include <QThread>

#include <utility>

namespace pipebd::gui {

namespace {

// Threads that were let go of and may still run; touched in the GUI thread only.
QSet<QThread*>& leavers()
{
    static QSet<QThread*> threads;
    return threads;
}

void waitForLeavers()
{
    for (QThread* thread : std::as_const(leavers())) {
        thread->wait();
        delete thread;
    }
    leavers().clear();
}

} // namespace

ReaderThread::ReaderThread(QObject* worker)
    : m_thread(new QThread)
{
    worker->moveToThread(m_thread);
    QObject::connect(m_thread, &QThread::finished, worker, &QObject::deleteLater);
}

ReaderThread::~ReaderThread()
{
    static bool registered = false;
    if (!std::exchange(registered, true))
        qAddPostRoutine(waitForLeavers);
    leavers().insert(m_thread);
    QThread* thread = m_thread;
    QObject::connect(thread, &QThread::finished, thread, [thread] {
        if (leavers().remove(thread))
            thread->deleteLater();
    });
    thread->requestInterruption();
    if (!thread->isRunning() && !thread->isFinished())
        thread->start(); // so that the worker is deleted too
    thread->quit();
}

void ReaderThread::start()
{
    m_thread->start(QThread::LowPriority);
}

} // namespace pipebd::gui
