// SourceData: the DataSet of a source. Sets samples aside, shares the reading of a batch among threads, and replaces what cannot be
// read.
//
// A sample that cannot be read is replaced, wherever it comes up, by the next of its split that can; that is a function of the
// files alone. Each rank counts those that it has met.
#pragma once

#include "base/error.h"
#include "engine/data/data_set.h"
#include "engine/data/source.h"

#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

namespace pipebd::engine {

class SourceData final : public DataSet {
public:
    /// Throws Error{BadRequest} if data.held_out leaves nothing to train on, or nothing aside.
    SourceData(std::unique_ptr<const Source> source, const experiment::Experiment& experiment, const Input& input, int classes,
        const Reading& reading);

    std::int64_t size(Split split) const override;
    int classes() const override { return classes_; }
    Batch get(Split split, std::span<const Sample> samples) const override;

private:
    using Part = Source::Part;

    void set_aside();
    std::int64_t place_of(Split split, std::int64_t index) const;
    std::int64_t read(Split split, Sample sample, Source::Row row) const;
    bool is_broken(Part part, std::int64_t place) const;
    void add_broken(Part part, std::int64_t place, const Error& error) const;

    std::unique_ptr<const Source> source_;
    const experiment::Data data_;
    const std::uint64_t seed_;
    const Input input_;
    const int classes_;
    const Reading reading_;
    std::vector<std::int64_t> trained_; // places in the source, if some are held out; else both are empty
    std::vector<std::int64_t> held_out_;

    mutable std::mutex mutex_;
    mutable std::set<std::pair<Part, std::int64_t>> broken_;
};

} // namespace pipebd::engine
