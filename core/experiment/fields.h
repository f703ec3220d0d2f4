// The keys of an experiment, each with its member and the values it may have: the one list that reading, checking and writing use.
#pragma once

#include "experiment/experiment.h"
#include "schedule/strategies.h"

#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

namespace pipebd::experiment {

struct Text {
    bool may_be_empty = false;
    std::size_t longest = 200; // bytes
};

struct Whole {
    std::int64_t least = 0;
    std::int64_t most = std::numeric_limits<std::int64_t>::max();
};

/// Finite; `least` itself is allowed unless `above`.
struct Real {
    double least = 0;
    bool above = false;
    double below = std::numeric_limits<double>::infinity();
};

struct OneOf {
    std::span<const std::string_view> names;
};

struct Flag { };

/// "auto" or a list of devices.
struct DeviceList { };

/// Nothing, or stages in text form.
struct StageList { };

namespace choices {
inline constexpr std::array<std::string_view, 6> source = {"digits", "synthetic", "cifar10", "cifar100", "imagefolder", "tensors"};
inline constexpr std::array<std::string_view, 3> augment = {"none", "crop-flip", "imagenet"};
inline constexpr std::array<std::string_view, 3> network = {"student", "teacher", "student-on-labels"};
inline constexpr std::array<std::string_view, 4> optimizer = {"sgd", "adam", "adamw", "rmsprop"};
inline constexpr std::array<std::string_view, 3> schedule = {"constant", "cosine", "step"};
inline constexpr std::array<std::string_view, 1> loss = {"mse"};
inline constexpr std::array<std::string_view, 2> last_block_loss = {"soft-cross-entropy", "mse"};
inline constexpr std::array<std::string_view, 3> dtype = {"float32", "bfloat16", "float64"};
inline constexpr std::array<std::string_view, 2> checkpoint_failure = {"stop", "warn"};
inline constexpr std::array<std::string_view, 2> batch_norm = {"sync", "local"};

inline const std::vector<std::string_view>& strategy()
{
    static const std::vector<std::string_view> names = [] {
        std::vector<std::string_view> list = {"auto"};
        const auto strategies = schedule::blockwise_strategy_names();
        list.insert(list.end(), strategies.begin(), strategies.end());
        list.push_back("pipe-bd");
        return list;
    }();
    return names;
}
} // namespace choices

/// `keys` in the order of the members.
template <typename S, typename Visitor>
void visit_stage(S& stage, const std::array<std::string_view, 8>& keys, Visitor&& visit)
{
    visit(keys[0], stage.epochs, Real{0, true, 1e9});
    visit(keys[1], stage.steps, Whole{1, std::int64_t{1} << 40});
    visit(keys[2], stage.optimizer, OneOf{choices::optimizer});
    visit(keys[3], stage.learning_rate, Real{0, true});
    visit(keys[4], stage.momentum, Real{0, false, 1});
    visit(keys[5], stage.nesterov, Flag{});
    visit(keys[6], stage.weight_decay, Real{});
    visit(keys[7], stage.schedule, OneOf{choices::schedule});
}

inline constexpr Text path_text{true, 4096};

template <typename D, typename Visitor>
void visit_data(D& data, Visitor&& visit)
{
    visit("data.source", data.source, OneOf{choices::source});
    visit("data.path", data.path, path_text);
    visit("data.batch", data.batch, Whole{1, largest_batch});
    visit("data.shuffle", data.shuffle, Flag{});
    visit("data.augment", data.augment, OneOf{choices::augment});
    visit("data.held_out", data.held_out, Real{0, false, 1});
    visit("data.broken_limit", data.broken_limit, Whole{0, 1 << 30});
    visit("data.workers", data.workers, Whole{0, 256});
}

template <typename R, typename Visitor>
void visit_run(R& run, Visitor&& visit)
{
    visit("run.strategy", run.strategy, OneOf{choices::strategy()});
    visit("run.stages", run.stages, StageList{});
    visit("run.devices", run.devices, DeviceList{});
    visit("run.dtype", run.dtype, OneOf{choices::dtype});
    visit("run.batch_norm", run.batch_norm, OneOf{choices::batch_norm});
    visit("run.checkpoint_minutes", run.checkpoint_minutes, Real{0, false, 1e9});
    visit("run.checkpoint_steps", run.checkpoint_steps, Whole{0, std::int64_t{1} << 40});
    visit("run.checkpoint_keep", run.checkpoint_keep, Whole{1, 1000});
    visit("run.checkpoint_failure", run.checkpoint_failure, OneOf{choices::checkpoint_failure});
    visit("run.timeout", run.timeout, Real{1, false, 1e6});
    visit("run.join_timeout", run.join_timeout, Real{1, false, 1e6});
    visit("run.stop_grace", run.stop_grace, Real{0, false, 1e6});
}

/// Calls visit(key, member, rule) for every key. `experiment` is an Experiment, const or not.
template <typename E, typename Visitor>
void visit_fields(E& experiment, Visitor&& visit)
{
    constexpr Whole count{1, std::int64_t{1} << 40};

    visit("name", experiment.name, Text{});
    visit("pair", experiment.pair, Text{});
    visit("seed", experiment.seed, Whole{});

    visit_data(experiment.data, visit);

    auto& train = experiment.train;
    visit("train.network", train.network, OneOf{choices::network});
    visit("train.epochs", train.epochs, Real{0, true, 1e9});
    visit("train.steps", train.steps, count);
    visit("train.optimizer", train.optimizer, OneOf{choices::optimizer});
    visit("train.learning_rate", train.learning_rate, Real{0, true});
    visit("train.momentum", train.momentum, Real{0, false, 1});
    visit("train.nesterov", train.nesterov, Flag{});
    visit("train.weight_decay", train.weight_decay, Real{});
    visit("train.schedule", train.schedule, OneOf{choices::schedule});

    visit("teacher.weights", experiment.teacher.weights, path_text);
    visit("teacher.fold_batch_norm", experiment.teacher.fold_batch_norm, Flag{});

    visit("student.weights", experiment.student.weights, path_text);
    visit("student.architecture", experiment.student.architecture, path_text);

    visit("distill.loss", experiment.distill.loss, OneOf{choices::loss});
    visit("distill.last_block_loss", experiment.distill.last_block_loss, OneOf{choices::last_block_loss});

    auto& architecture = experiment.architecture;
    visit("architecture.train", architecture.train, Flag{});
    visit("architecture.every", architecture.every, Whole{1, 1 << 20});
    visit("architecture.after", architecture.after, Real{0, false, 1});
    visit("architecture.learning_rate", architecture.learning_rate, Real{0, true});
    visit("architecture.beta1", architecture.beta1, Real{0, false, 1});
    visit("architecture.beta2", architecture.beta2, Real{0, false, 1});

    auto& derive = experiment.derive;
    visit("derive.macs", derive.macs, Real{0, false, 1e6});
    visit("derive.parameters", derive.parameters, Real{0, false, 1e6});
    visit("derive.samples", derive.samples, Whole{1, 1 << 20});
    visit("derive.calibration", derive.calibration, Whole{0, 1 << 20});

    visit_stage(experiment.stage.teacher,
        {"stage.teacher.epochs", "stage.teacher.steps", "stage.teacher.optimizer", "stage.teacher.learning_rate",
            "stage.teacher.momentum", "stage.teacher.nesterov", "stage.teacher.weight_decay", "stage.teacher.schedule"},
        visit);
    visit_stage(experiment.stage.finetune,
        {"stage.finetune.epochs", "stage.finetune.steps", "stage.finetune.optimizer", "stage.finetune.learning_rate",
            "stage.finetune.momentum", "stage.finetune.nesterov", "stage.finetune.weight_decay", "stage.finetune.schedule"},
        visit);

    visit_run(experiment.run, visit);
}

} // namespace pipebd::experiment
