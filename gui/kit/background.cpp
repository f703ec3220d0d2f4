#include "gui/kit/background.h"

#include <QCoreApplication>
#include <QThreadPool>

#include <optional>

namespace pipebd::gui {

// Touched in the GUI thread only.
struct BackgroundQueue::State {
    std::optional<Work> waiting;
    bool atWork = false;
    bool wanted = false; // what is at work
};

BackgroundQueue::BackgroundQueue()
    : m_state(std::make_shared<State>())
{
}

BackgroundQueue::~BackgroundQueue()
{
    forget();
}

void BackgroundQueue::request(Work work)
{
    m_state->waiting = std::move(work);
    if (!m_state->atWork)
        begin(m_state);
}

void BackgroundQueue::forget()
{
    m_state->waiting.reset();
    m_state->wanted = false;
}

bool BackgroundQueue::isBusy() const
{
    return m_state->waiting || m_state->wanted;
}

void BackgroundQueue::begin(const std::shared_ptr<State>& state)
{
    state->atWork = true;
    state->wanted = true;
    Work work = std::move(*state->waiting);
    state->waiting.reset();
    QThreadPool::globalInstance()->start([state, work = std::move(work)] {
        Delivery delivery = work();
        QMetaObject::invokeMethod(
            qApp,
            [state, delivery = std::move(delivery)] {
                state->atWork = false;
                const bool deliver = std::exchange(state->wanted, false);
                if (state->waiting)
                    begin(state);
                if (deliver)
                    delivery();
            },
            Qt::QueuedConnection);
    });
}

} // namespace pipebd::gui
