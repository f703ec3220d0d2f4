// Errands: a thread that does what blocks, one thing after another, for a thread that must go on saying that it waits.
#pragma once

#include "engine/transport/sliced_wait.h"

#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <thread>

namespace pipebd::engine {

class Errands {
public:
    struct Errand {
        std::function<void()> work; // dropped once done, with all that it holds
        std::string doing;
        bool done = false; // under the lock of its Errands; what follows is only read once it is set
        double ready = -1; // ms since the run's start: when posted; once done, no earlier than the one before was done
        double finished = -1;
        std::exception_ptr error;
    };

    Errands();
    /// What has not been begun is done first; what never ends is left to its thread.
    ~Errands();
    Errands(const Errands&) = delete;

    /// `work` owns all that it uses: who waits for it may give up.
    std::shared_ptr<Errand> post(std::string doing, std::function<void()> work);

    /// Returns once it is done. Throws what it threw, or what `waiting` throws.
    void wait(const Errand& errand, const Waiting& waiting);

    bool is_done(const Errand& errand) const;

private:
    struct State;
    static void run(const std::shared_ptr<State>& state);

    std::shared_ptr<State> state_;
    std::thread thread_;
};

} // namespace pipebd::engine
