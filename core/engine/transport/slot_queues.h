// SlotQueue: transfers through rings of slots, or sums over a group, one after another on a stream of the device.
//
// Nothing blocks: what cannot go on yet, because another rank has to write or read first, goes on at a later call of advance().
#pragma once

#include "engine/transport/open_rings.h"

#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace pipebd::engine {

/// Something posted.
struct SlotOperation {
    at::Tensor tensor; // contiguous; kept until waited for
    std::string doing;
    SlotDevice::Event ready; // on the device, the tensor may be used
    SlotDevice::Event done;
    std::int64_t elements = 0; // done with
    bool posted = false; // all of it is in order on the device
    bool dropped = false; // nobody will wait for it
};

/// What the queues of a rank have in common.
struct QueueSurroundings {
    SlotDevice& device;
    SharedWords& shared;
    int rank;
};

/// Operations on the same rings, one after another, on a stream of their own.
class SlotQueue {
public:
    explicit SlotQueue(const QueueSurroundings& common)
        : common_(common)
        , stream_(common.device.make_stream())
    {
    }
    virtual ~SlotQueue() = default;

    std::shared_ptr<SlotOperation> post(const at::Tensor& tensor, std::string doing);

    /// Posts to the device what can be posted now. Returns whether that was anything.
    bool advance();

    /// Nobody waits for it: its tensor may be dropped while the device still works on it.
    void drop(SlotOperation& operation);

    bool is_empty() const { return operations_.empty(); }

protected:
    /// One piece of it, or part of the work on one; false if that has to wait for another rank.
    virtual bool step(SlotOperation& operation) = 0;

    static at::Tensor piece(const SlotOperation& operation, const OpenRing& ring);

    bool write(OpenRing& ring, const at::Tensor& tensor);

    /// The next piece of a ring must be there.
    void read(OpenRing& ring, const at::Tensor& tensor, bool adds);

private:
    QueueSurroundings common_;
    SlotDevice::Stream stream_;
    std::deque<std::shared_ptr<SlotOperation>> operations_;
};

/// `ring`, or `rings`, one for each rank of the group in their order, outlive the queue.
std::shared_ptr<SlotQueue> send_queue(const QueueSurroundings& surroundings, OpenRing& ring);
std::shared_ptr<SlotQueue> receive_queue(const QueueSurroundings& surroundings, OpenRing& ring);
std::shared_ptr<SlotQueue> sum_queue(const QueueSurroundings& surroundings, std::vector<OpenRing*> rings);

} // namespace pipebd::engine
