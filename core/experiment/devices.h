// Devices: how they are named on the command line and in files: "cpu", "cpu@4", "cuda:0", lists of them, "auto".
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pipebd::experiment {

/// One rank's device. Two ranks may name the same one: they share it.
struct Device {
    enum class Kind { Cpu, Cuda };
    Kind kind = Kind::Cpu;
    int index = 0; // of the GPU
    int threads = 1; // of a CPU rank
    bool operator==(const Device&) const = default;
};

/// None if `name` is no device.
std::optional<Device> device_named(std::string_view name);

/// `count` of them: the first of `devices`, of which there is one at least, then more like the first: the next GPUs, or the same
/// CPU.
std::vector<Device> as_many_as(std::size_t count, std::vector<Device> devices);

std::string to_string(const Device& device); // "cpu", "cpu@4", "cuda:1"
std::string to_string(const std::vector<Device>& devices); // "cpu,cpu"

/// A list such as "cpu,cpu@4" or "cuda:0,cuda:1"; never "auto". Throws Error{BadRequest} that names `where` and shows what is
/// allowed.
std::vector<Device> parse_devices(std::string_view list, std::string_view where);

} // namespace pipebd::experiment
