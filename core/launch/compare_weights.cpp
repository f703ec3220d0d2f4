#include "launch/compare_weights.h"

#include "base/error.h"
#include "base/safetensors.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>

namespace pipebd::launch {

namespace {

constexpr std::string_view optimizer_prefix = "optimizer.";

std::filesystem::path newest_checkpoint(const std::filesystem::path& run)
{
    std::filesystem::path newest;
    std::error_code failure;
    for (const auto& entry : std::filesystem::directory_iterator(run / "checkpoints", failure))
        if (entry.path().filename().string().starts_with("round-") && entry.path() > newest)
            newest = entry.path();
    if (newest.empty())
        throw Error(Code::NotFound, "the run has no checkpoint", run.string());
    return newest;
}

template <typename T>
void compare(const TensorView& a, const TensorView& b, BlockDifference& difference)
{
    const std::size_t count = a.data.size() / sizeof(T);
    for (std::size_t i = 0; i < count; ++i) {
        T left{};
        T right{};
        std::memcpy(&left, a.data.data() + i * sizeof(T), sizeof(T));
        std::memcpy(&right, b.data.data() + i * sizeof(T), sizeof(T));
        const double apart = std::abs(static_cast<double>(left) - static_cast<double>(right));
        const bool same = std::memcmp(&left, &right, sizeof(T)) == 0;
        difference.largest
            = std::max(difference.largest, same ? 0 : std::isfinite(apart) ? apart : std::numeric_limits<double>::infinity());
        difference.largest_value = std::max(difference.largest_value, std::abs(static_cast<double>(right)));
    }
}

BlockDifference compare_block(const std::filesystem::path& file, const std::filesystem::path& reference_file)
{
    const SafetensorsFile run(file);
    const SafetensorsFile reference(reference_file);
    BlockDifference difference;
    std::size_t compared = 0;
    for (const TensorView& expected : reference.tensors()) {
        if (expected.name.starts_with(optimizer_prefix))
            continue;
        const TensorView* found = run.find(expected.name);
        if (!found || found->dtype != expected.dtype || found->shape != expected.shape)
            throw Error(Code::Damaged, "the two runs trained different weights", file.string() + ", tensor " + expected.name);
        ++compared;
        difference.bit_identical = difference.bit_identical && std::ranges::equal(found->data, expected.data);
        if (expected.dtype == DType::F32)
            compare<float>(*found, expected, difference);
        else if (expected.dtype == DType::F64)
            compare<double>(*found, expected, difference);
        else if (expected.dtype == DType::I64)
            compare<std::int64_t>(*found, expected, difference);
        else
            throw Error(Code::Internal, "a weight has an unexpected type", reference_file.string() + ", tensor " + expected.name);
    }
    if (compared == 0)
        throw Error(Code::Damaged, "there are no weights to compare", reference_file.string());
    return difference;
}

} // namespace

std::vector<BlockDifference> compare_weights(
    const std::filesystem::path& run, const std::filesystem::path& reference, int blocks)
{
    const std::filesystem::path of_run = newest_checkpoint(run);
    const std::filesystem::path of_reference = newest_checkpoint(reference);
    std::vector<BlockDifference> differences;
    for (int block = 0; block < blocks; ++block) {
        const std::string name = "block" + std::to_string(block) + ".safetensors";
        differences.push_back(compare_block(of_run / name, of_reference / name));
    }
    return differences;
}

} // namespace pipebd::launch
