#include "engine/transport/slot_queues.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace pipebd::engine {

namespace {

class SendQueue final : public SlotQueue {
public:
    SendQueue(const QueueSurroundings& common, OpenRing& ring)
        : SlotQueue(common)
        , ring_(ring)
    {
    }

protected:
    bool step(SlotOperation& operation) override
    {
        const at::Tensor next = piece(operation, ring_);
        if (!write(ring_, next))
            return false;
        operation.elements += next.numel();
        return true;
    }

private:
    OpenRing& ring_;
};

class ReceiveQueue final : public SlotQueue {
public:
    ReceiveQueue(const QueueSurroundings& common, OpenRing& ring)
        : SlotQueue(common)
        , ring_(ring)
    {
    }

protected:
    bool step(SlotOperation& operation) override
    {
        if (!ring_.turns.slot_to_read(ring_.self))
            return false;
        const at::Tensor next = piece(operation, ring_);
        read(ring_, next, false);
        operation.elements += next.numel();
        return true;
    }

private:
    OpenRing& ring_;
};

class SumQueue final : public SlotQueue {
public:
    /// `rings`: one for each rank of the group, in their order.
    SumQueue(const QueueSurroundings& common, std::vector<OpenRing*> rings)
        : SlotQueue(common)
        , rings_(std::move(rings))
        , own_(**std::find_if(rings_.begin(), rings_.end(), [&](const OpenRing* ring) { return ring->writer == common.rank; }))
    {
    }

protected:
    bool step(SlotOperation& operation) override
    {
        const at::Tensor next = piece(operation, own_);
        if (!has_written_) {
            has_written_ = write(own_, next);
            return has_written_;
        }
        for (const OpenRing* ring : rings_) {
            if (!ring->turns.slot_to_read(ring->self))
                return false;
        }
        for (OpenRing* ring : rings_)
            read(*ring, next, ring != rings_.front());
        has_written_ = false;
        operation.elements += next.numel();
        return true;
    }

private:
    std::vector<OpenRing*> rings_;
    OpenRing& own_;
    bool has_written_ = false; // the piece at hand
};

} // namespace

std::shared_ptr<SlotOperation> SlotQueue::post(const at::Tensor& tensor, std::string doing)
{
    auto operation = std::make_shared<SlotOperation>();
    operation->tensor = in_memory_order(tensor.detach()).view({-1});
    operation->doing = std::move(doing);
    operation->ready = common_.device.make_event();
    operation->done = common_.device.make_event();
    common_.device.record(operation->ready, nullptr);
    operations_.push_back(operation);
    return operation;
}

bool SlotQueue::advance()
{
    bool any = false;
    while (!operations_.empty()) {
        SlotOperation& operation = *operations_.front();
        if (operation.ready)
            common_.device.wait(stream_, std::exchange(operation.ready, nullptr));
        while (operation.elements < operation.tensor.numel()) {
            if (!step(operation))
                return any;
            any = true;
        }
        common_.device.record(operation.done, stream_);
        operation.posted = true;
        if (operation.dropped)
            common_.device.keep(operation.tensor, stream_);
        operations_.pop_front();
        any = true;
    }
    return any;
}

void SlotQueue::drop(SlotOperation& operation)
{
    operation.dropped = true;
    if (operation.posted)
        common_.device.keep(operation.tensor, stream_);
}

bool SlotQueue::write(OpenRing& ring, const at::Tensor& tensor)
{
    const std::optional<int> slot = ring.turns.slot_to_write();
    if (!slot)
        return false;
    SlotDevice& device = common_.device;
    if (ring.turns.is_used_again()) {
        for (const auto& events : ring.free) {
            if (!events.empty())
                device.wait(stream_, events[static_cast<std::size_t>(*slot)]);
        }
    }
    device.write(stream_, ring.memory, ring.offset(*slot), tensor);
    device.record(ring.full[static_cast<std::size_t>(*slot)], stream_);
    ring.turns.written();
    for (int reader : ring.readers) {
        if (reader != common_.rank)
            common_.shared.ring(reader);
    }
    return true;
}

void SlotQueue::read(OpenRing& ring, const at::Tensor& tensor, bool adds)
{
    const int slot = ring.turns.slot_to_read(ring.self).value();
    const bool own = ring.writer == common_.rank;
    SlotDevice& device = common_.device;
    if (!own)
        device.wait(stream_, ring.full[static_cast<std::size_t>(slot)]);
    if (adds)
        device.add(stream_, ring.memory, ring.offset(slot), tensor);
    else
        device.read(stream_, ring.memory, ring.offset(slot), tensor);
    if (!own)
        device.record(ring.free[ring.self][static_cast<std::size_t>(slot)], stream_);
    ring.turns.read(ring.self);
    if (!own)
        common_.shared.ring(ring.writer);
}

at::Tensor SlotQueue::piece(const SlotOperation& operation, const OpenRing& ring)
{
    const std::int64_t left = operation.tensor.numel() - operation.elements;
    return operation.tensor.narrow(0, operation.elements, std::min(left, ring.slot_bytes / operation.tensor.element_size()));
}

std::shared_ptr<SlotQueue> send_queue(const QueueSurroundings& surroundings, OpenRing& ring)
{
    return std::make_shared<SendQueue>(surroundings, ring);
}

std::shared_ptr<SlotQueue> receive_queue(const QueueSurroundings& surroundings, OpenRing& ring)
{
    return std::make_shared<ReceiveQueue>(surroundings, ring);
}

std::shared_ptr<SlotQueue> sum_queue(const QueueSurroundings& surroundings, std::vector<OpenRing*> rings)
{
    return std::make_shared<SumQueue>(surroundings, std::move(rings));
}

} // namespace pipebd::engine
