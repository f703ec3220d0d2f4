#include "engine/transport/errands.h"

#include "engine/transport/run_clock.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

namespace pipebd::engine {

struct Errands::State {
    mutable std::mutex mutex;
    std::condition_variable changed;
    std::deque<std::shared_ptr<Errand>> queue; // the first is being done
    double free = -1; // when the last was done
    bool stop = false;
};

Errands::Errands()
    : state_(std::make_shared<State>())
    , thread_([state = state_] { run(state); })
{
}

Errands::~Errands()
{
    bool idle = false;
    {
        std::lock_guard lock(state_->mutex);
        state_->stop = true;
        idle = state_->queue.empty();
    }
    state_->changed.notify_all();
    if (idle)
        thread_.join();
    else
        thread_.detach();
}

std::shared_ptr<Errands::Errand> Errands::post(std::string doing, std::function<void()> work)
{
    auto errand = std::make_shared<Errand>();
    errand->work = std::move(work);
    errand->doing = std::move(doing);
    errand->ready = run_milliseconds();
    {
        std::lock_guard lock(state_->mutex);
        state_->queue.push_back(errand);
    }
    state_->changed.notify_all();
    return errand;
}

void Errands::wait(const Errand& errand, const Waiting& waiting)
{
    wait_in_slices(errand.doing, waiting, [&](std::chrono::milliseconds slice) {
        std::unique_lock lock(state_->mutex);
        return state_->changed.wait_for(lock, slice, [&] { return errand.done; });
    });
    if (errand.error)
        std::rethrow_exception(errand.error);
}

bool Errands::is_done(const Errand& errand) const
{
    std::lock_guard lock(state_->mutex);
    return errand.done;
}

void Errands::run(const std::shared_ptr<State>& state)
{
    std::unique_lock lock(state->mutex);
    for (;;) {
        state->changed.wait(lock, [&] { return state->stop || !state->queue.empty(); });
        if (state->queue.empty())
            return;
        const std::shared_ptr<Errand> errand = state->queue.front();
        lock.unlock();
        std::exception_ptr error;
        try {
            errand->work();
        } catch (...) {
            error = std::current_exception();
        }
        const double finished = run_milliseconds();
        errand->work = nullptr;
        lock.lock();
        state->queue.pop_front();
        errand->error = error;
        errand->ready = std::max(errand->ready, state->free);
        errand->finished = state->free = finished;
        errand->done = true;
        state->changed.notify_all();
    }
}

} // namespace pipebd::engine
