// Background: work for an object of the GUI thread that is done in another one, the newest request only.
//
//     Background<Plan> m_planning{[this](Plan plan) { show(plan); }, [this](const QString& error) { showError(error); }};
//     m_planning.request([profile = m_profile] { return make_plan(profile); });
//
// While one piece of work is being done, a further request waits, and replaces one that has waited: a slider that moves never makes
// a queue. Results come in the GUI thread, in order, and not after this object is gone. `work` must not touch what the GUI thread
// changes: give it copies, or pointers to const that it shares.
#pragma once

#include "gui/kit/error_text.h"

#include <QString>

#include <functional>
#include <memory>
#include <utility>

namespace pipebd::gui {

/// What Background is made of, without its type.
class BackgroundQueue {
public:
    using Delivery = std::function<void()>; // called in the GUI thread
    using Work = std::function<Delivery()>; // called in another one; throws nothing

    BackgroundQueue();
    ~BackgroundQueue(); // waits for nothing
    BackgroundQueue(const BackgroundQueue&) = delete;
    BackgroundQueue& operator=(const BackgroundQueue&) = delete;

    void request(Work work);
    void forget(); // what is asked for or being done is not delivered
    bool isBusy() const;

private:
    struct State;
    static void begin(const std::shared_ptr<State>& state);

    std::shared_ptr<State> m_state;
};

template <typename Result>
class Background {
public:
    Background(std::function<void(Result)> done, std::function<void(const QString&)> failed)
        : m_done(std::move(done))
        , m_failed(std::move(failed))
    {
    }

    void request(std::function<Result()> work)
    {
        m_queue.request([this, work = std::move(work)]() -> BackgroundQueue::Delivery {
            try {
                auto result = std::make_shared<Result>(work());
                return [this, result] { m_done(std::move(*result)); };
            } catch (...) {
                return [this, error = currentErrorText()] { m_failed(error); };
            }
        });
    }

    void forget() { m_queue.forget(); }

    /// Something is asked for that has not been delivered. False while the newest is being delivered.
    bool isBusy() const { return m_queue.isBusy(); }

private:
    std::function<void(Result)> m_done;
    std::function<void(const QString&)> m_failed;
    BackgroundQueue m_queue;
};

} // namespace pipebd::gui
