#include "engine/training/checkpointer.h"

#include "base/error.h"
#include "engine/training/checkpoint.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace pipebd::engine {

using experiment::Metric;
using nlohmann::json;

namespace {

using namespace std::chrono_literals;

constexpr auto patience_with_leavers = 5s;

std::string left_name(int rank)
{
    return "left/" + std::to_string(rank);
}

} // namespace

Checkpointer::Checkpointer(const Parts& parts)
    : parts_(parts)
{
    const schedule::Program& program = parts_.spec.program;
    for (const schedule::Phase& phase : program.phases) {
        for (int device = program.devices() - 1; device >= 0; --device) {
            for (const schedule::Instruction& instruction : phase.devices[static_cast<std::size_t>(device)].instructions) {
                if (instruction.op == schedule::Op::Update)
                    owner_[instruction.block] = device; // the lowest one of a group
            }
        }
    }
}

Checkpointer::Saved Checkpointer::save(std::int64_t round, bool stops, bool may_fail)
{
    const Met met = meet(round, stops, 0);
    if (met.stops)
        return save_stopped(met);
    try {
        return {.folder = save_together(round), .stops = false};
    } catch (const Error& error) {
        if (!may_fail || parts_.spec.experiment.run.checkpoint_failure != "warn")
            throw;
        if (parts_.transport.rank() == 0)
            say(error.what());
        return {};
    }
}

Checkpointer::Saved Checkpointer::agree(std::int64_t round, bool stops, double& figure)
{
    const Met met = meet(round, stops, figure);
    figure = met.figure;
    return met.stops ? save_stopped(met) : Saved();
}

Checkpointer::Met Checkpointer::meet(std::int64_t round, bool stops, double figure)
{
    const std::vector<std::string> said = parts_.transport.gather(json{round, stops, figure}.dump());
    Met met{.least = round, .most = round, .stops = stops, .figure = json::parse(said.front())[2].get<double>()};
    for (const std::string& text : said) {
        const json other = json::parse(text);
        met.least = std::min(met.least, other[0].get<std::int64_t>());
        met.most = std::max(met.most, other[0].get<std::int64_t>());
        met.stops = met.stops || other[1].get<bool>();
    }
    return met;
}

Checkpointer::Saved Checkpointer::save_stopped(const Met& met)
{
    if (met.most == last_)
        return {.folder = {}, .stops = true};
    return {.folder = save_together(std::max(met.least, last_ + 1)), .stops = true};
}

std::filesystem::path Checkpointer::save_together(std::int64_t round)
{
    std::filesystem::path folder;
    std::filesystem::path checkpoint;
    together(round, folder, [&] {
        folder = begin_checkpoint(parts_.spec.folder, round);
        for (const auto& [block, owner] : owner_)
            if (owner == parts_.transport.rank())
                write(folder, block, round);
    });
    together(round, folder, [&] {
        if (parts_.transport.rank() != 0)
            return;
        parts_.reporter.heartbeat(round, "checkpoint");
        checkpoint = commit_checkpoint(folder, parts_.spec, round, parts_.models.teacher_sha256);
        Metric metric;
        metric.type = Metric::Type::Checkpoint;
        metric.step = round;
        metric.name = checkpoint.string();
        parts_.reporter.report(std::move(metric));
    });
    last_ = round;
    return checkpoint;
}

void Checkpointer::write(const std::filesystem::path& folder, int block, std::int64_t round)
{
    parts_.reporter.heartbeat(round, "checkpoint");
    if (const std::optional<double> loss = parts_.executor.take_loss(block))
        losses_[block] = *loss;
    const auto loss = losses_.find(block);
    write_block(folder, block, *parts_.models.student.at(block), *parts_.models.optimizer.at(block),
        parts_.executor.updates_of(block), loss == losses_.end() ? std::nullopt : std::optional<double>(loss->second));
}

/// A part of saving that every rank must have got through before the next begins.
void Checkpointer::together(std::int64_t round, const std::filesystem::path& folder, const std::function<void()>& part)
{
    std::optional<Error> own;
    try {
        part();
    } catch (const Error& error) {
        own = error;
    }
    const json report = own ? json{to_string(own->code()), own->problem(), own->where(), own->remedy()} : json::array();
    const std::vector<std::string> said = parts_.transport.gather(report.dump(-1, ' ', false, json::error_handler_t::replace));
    std::string failed;
    json first;
    for (std::size_t rank = 0; rank < said.size(); ++rank) {
        const json other = json::parse(said[rank]);
        if (other.empty())
            continue;
        failed += (failed.empty() ? "rank " : ", rank ") + std::to_string(rank);
        if (first.empty())
            first = other;
    }
    if (failed.empty())
        return;
    try {
        parts_.transport.barrier(); // who leaves first may take with it what the others are still reading
    } catch (const Error&) {
        // Then a rank has left that had read it.
    }
    if (parts_.transport.rank() == 0)
        abandon_checkpoint(folder);
    throw Error(code_from_string(first[0].get<std::string>()),
        "the checkpoint of round " + std::to_string(round) + " could not be saved by " + failed + " (" + first[1].get<std::string>()
            + ")",
        first[2], first[3].get<std::string>().empty() ? "older checkpoints are unchanged" : first[3].get<std::string>());
}

void Checkpointer::say(const std::string& warning)
{
    Metric metric;
    metric.type = Metric::Type::Log;
    metric.text = "warning: " + warning;
    parts_.reporter.report(std::move(metric));
}

void Checkpointer::leave_together()
{
    Board& board = parts_.transport.board();
    if (parts_.transport.rank() != 0) {
        board.post(left_name(parts_.transport.rank()), "");
        return;
    }
    const auto end = std::chrono::steady_clock::now() + patience_with_leavers; // who has died does not leave
    for (int rank = 1; rank < parts_.transport.size(); ++rank) {
        while (!board.find(left_name(rank)) && std::chrono::steady_clock::now() < end) {
            std::this_thread::sleep_for(1ms);
            parts_.reporter.waiting("waiting for rank " + std::to_string(rank) + " to leave");
        }
    }
}

} // namespace pipebd::engine
