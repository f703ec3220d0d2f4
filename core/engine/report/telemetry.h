// Telemetry: what the driver says of a GPU beyond what this process knows: NVML, opened at run time. Nothing of it is needed to
// build.
//
// Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace pipebd::engine {

class Telemetry {
public:
    /// `library` is opened by dlopen's rules. Where it is not there or refuses, there is no telemetry; that is no error.
    explicit Telemetry(const std::string& library = "libnvidia-ml.so.1");
    ~Telemetry();
    Telemetry(const Telemetry&) = delete;
    Telemetry& operator=(const Telemetry&) = delete;

    bool available() const { return why_not_.empty(); }

    /// "available", or "no GPU telemetry (...)", in one line.
    std::string text() const;

    /// -1: not known.
    struct Reading {
        std::int64_t bytes = -1; // in use on the whole device, by whomever
        double utilisation = -1; // share of the last fraction of a second in which it computed, 0 to 1
        double watts = -1;
    };

    /// Of the GPU with that PCI bus id ("0000:41:00.0"): CUDA's own numbers may be others than the driver's.
    Reading read(const std::string& pci_bus_id);

private:
    struct Library;
    std::unique_ptr<Library> library_;
    std::map<std::string, void*> devices_; // null: not known to the driver
    std::string why_not_;
};

} // namespace pipebd::engine
