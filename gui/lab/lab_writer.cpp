#include "gui/lab/lab_writer.h"

#include "gui/kit/error_text.h"

#include <QCoreApplication>
#include <QPointer>
#include <QThreadPool>

#include <deque>
#include <mutex>
#include <utility>

namespace pipebd::gui {

struct LabWriter::State {
    struct Job {
        std::function<void(store::Lab&)> change;
        std::function<void(const QString&)> done;
    };

    std::filesystem::path folder;
    std::unique_ptr<store::Lab> lab; // of the thread that works
    std::mutex mutex; // of what follows
    std::deque<Job> jobs;
    bool atWork = false;
    bool heard = true; // touched in the GUI thread only
};

LabWriter::LabWriter(const std::filesystem::path& lab)
    : m_state(std::make_shared<State>())
{
    m_state->folder = lab;
}

LabWriter::~LabWriter()
{
    m_state->heard = false;
}

void LabWriter::write(std::function<void(store::Lab&)> change, std::function<void(const QString&)> done)
{
    const std::lock_guard lock(m_state->mutex);
    m_state->jobs.push_back({std::move(change), std::move(done)});
    if (!std::exchange(m_state->atWork, true))
        QThreadPool::globalInstance()->start([state = m_state] { work(state); });
}

void LabWriter::work(const std::shared_ptr<State>& state)
{
    for (;;) {
        State::Job job;
        {
            const std::lock_guard lock(state->mutex);
            if (state->jobs.empty()) {
                state->lab.reset();
                state->atWork = false;
                return;
            }
            job = std::move(state->jobs.front());
            state->jobs.pop_front();
        }
        QString error;
        try {
            if (!state->lab)
                state->lab = std::make_unique<store::Lab>(state->folder);
            job.change(*state->lab);
        } catch (...) {
            error = currentErrorText();
        }
        QMetaObject::invokeMethod(
            qApp,
            [state, done = std::move(job.done), error] {
                if (state->heard)
                    done(error);
            },
            Qt::QueuedConnection);
    }
}

void doInBackground(QObject* listener, std::function<void()> work, std::function<void(const QString&)> done)
{
    QThreadPool::globalInstance()->start([listener = QPointer<QObject>(listener), work = std::move(work), done = std::move(done)] {
        QString error;
        try {
            work();
        } catch (...) {
            error = currentErrorText();
        }
        QMetaObject::invokeMethod(
            qApp,
            [listener, done, error] {
                if (listener)
                    done(error);
            },
            Qt::QueuedConnection);
    });
}

} // namespace pipebd::gui
