// ReaderThread: runs a worker object in a thread of its own, so that no read of a database ever holds up the window.
//
// Letting go of it does not wait: the worker is asked to stop and is deleted in its thread when it has returned to the event loop.
// Whatever still runs then is waited for when the application object is destroyed.
#pragma once

class QObject;
class QThread;

namespace pipebd::gui {

class ReaderThread {
public:
    /// Takes `worker`, which must have no parent; connect to it before start().
    explicit ReaderThread(QObject* worker);
    ~ReaderThread();
    ReaderThread(const ReaderThread&) = delete;
    ReaderThread& operator=(const ReaderThread&) = delete;

    void start();

private:
    QThread* m_thread;
};

} // namespace pipebd::gui
