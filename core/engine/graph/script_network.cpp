#include "engine/graph/script_network.h"

#include "base/error.h"
#include "base/foreign_error.h"
#include "base/random.h"
#include "base/text.h"
#include "engine/graph/block_list.h"
#include "engine/graph/weights_checksum.h"
#include "engine/models/layer.h"

#include <ATen/Context.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/allclose.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/python/update_graph_executor_opt.h>
#include <torch/csrc/jit/serialization/import.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

namespace pipebd::engine {

namespace {

using torch::jit::Module;

/// A child, or a child's child, in the order in which they are run.
struct Child {
    std::string path;
    Module module;
};

/// What LibTorch says, in a line: the reason that ends its account of a failed program, else how it begins.
std::string reason(const std::exception& error)
{
    std::string text = error.what();
    constexpr std::string_view mark = "\nRuntimeError: ";
    if (const std::size_t found = text.rfind(mark); found != std::string::npos)
        text.erase(0, found + mark.size());
    return foreign_reason(text);
}

std::string joined_path(const std::string& path, const std::string& name)
{
    return path.empty() ? name : path + "." + name;
}

std::vector<Child> children_of(const Child& parent)
{
    std::vector<Child> children;
    for (const auto& child : parent.module.named_children())
        children.push_back({joined_path(parent.path, child.name), child.value});
    return children;
}

bool has_parameters(const Child& child)
{
    return child.module.named_parameters().size() > 0;
}

at::Tensor run(Module& module, const at::Tensor& input)
{
    const c10::IValue output = module.forward({input});
    if (!output.isTensor())
        throw Error(Code::BadRequest, "a module does not return a single tensor", "TorchScript",
            "cut elsewhere, or export it with torch.export");
    return output.toTensor();
}

class ScriptBlock final : public Block {
public:
    /// `children` are its own.
    ScriptBlock(std::vector<Child> children, std::string where, std::uint64_t place)
        : children_(std::move(children))
        , where_(std::move(where))
        , place_(place)
    {
        for (Child& child : children_) {
            for (const auto& parameter : child.module.named_parameters()) {
                at::Tensor tensor = parameter.value;
                parameters_.push_back(
                    {joined_path(child.path, parameter.name), tensor.set_requires_grad(tensor.is_floating_point())});
            }
            for (const auto& buffer : child.module.named_buffers())
                buffers_.push_back({joined_path(child.path, buffer.name), buffer.value});
        }
    }

    at::Tensor forward(const at::Tensor& input, const Context& context) override
    {
        try {
            if (context.training)
                at::manual_seed(draw({context.seed, static_cast<std::uint64_t>(context.step), place_}));
            at::Tensor activation = input;
            for (Child& child : children_) {
                if (child.module.is_training() != context.training)
                    child.module.train(context.training);
                activation = run(child.module, activation);
            }
            return canonical(activation);
        } catch (const c10::OutOfMemoryError&) {
            throw;
        } catch (const Error&) {
            throw;
        } catch (const std::exception& error) {
            throw Error(Code::BadRequest, "the TorchScript module failed: " + reason(error), where_,
                "cut elsewhere, or export it with torch.export");
        }
    }

private:
    std::vector<Child> children_;
    std::string where_;
    std::uint64_t place_;
};

class ScriptNetwork final : public CutNetwork {
public:
    ScriptNetwork(const std::filesystem::path& file, const std::string& blocks, const std::string& blocks_where)
        : where_(file.native())
    {
        torch::jit::setGraphExecutorOptimize(false); // first steps take twenty times as long with it
        try {
            whole_ = torch::jit::load(where_, at::kCPU);
        } catch (const std::exception& error) {
            throw Error(Code::Damaged, "the TorchScript module cannot be loaded (" + reason(error) + ")", where_,
                "save it again, or export it with torch.export");
        }
        if (blocks.empty())
            cut_at_children();
        else
            cut(parse_block_list(blocks, blocks_where), blocks_where);
    }

    const std::string& where() const override { return where_; }
    std::optional<Input> input() const override { return std::nullopt; }
    std::optional<int> classes() const override { return std::nullopt; }
    std::string block_list() const override { return to_string(blocks_); }

    std::vector<std::string> block_names() const override
    {
        std::vector<std::string> names;
        for (const BlockParts& block : blocks_)
            names.push_back(to_string(block));
        return names;
    }

    std::unique_ptr<Block> make(int block) const override
    {
        const std::lock_guard guard(mutex_);
        at::NoGradGuard no_grad; // the copies are leaves
        std::vector<Child> own;
        for (const Child& child : segments_.at(static_cast<std::size_t>(block)))
            own.push_back({child.path, child.module.deepcopy()});
        return std::make_unique<ScriptBlock>(std::move(own), where_ + ", block " + std::to_string(block),
            coordinate(to_string(blocks_[static_cast<std::size_t>(block)])));
    }

    std::string weights_sha256() const override
    {
        std::map<std::string, at::Tensor> state;
        for (const auto& parameter : whole_.named_parameters())
            state[parameter.name] = parameter.value;
        for (const auto& buffer : whole_.named_buffers())
            state[buffer.name] = buffer.value;
        Sha256 checksum;
        for (const auto& [name, tensor] : state)
            add_weights(checksum, name, tensor.is_floating_point() ? tensor.to(at::kFloat) : tensor);
        return checksum.finish();
    }

    void examine(const at::Tensor& sample) const override
    {
        at::NoGradGuard no_grad;
        const auto different = [this](const std::string& why) {
            return Error(Code::BadRequest, "the module does more than run its children one after another (" + why + ")", where_,
                "export it with torch.export, which can be cut wherever a single tensor crosses");
        };
        at::Tensor expected;
        try {
            Module own = whole_.deepcopy();
            own.eval();
            expected = run(own, sample);
        } catch (const std::exception& error) {
            throw Error(
                Code::BadRequest, "the TorchScript module failed: " + reason(error), where_, "check that it accepts this input");
        }
        at::Tensor activation = sample;
        try {
            for (std::size_t block = 0; block < segments_.size(); ++block)
                activation = make(static_cast<int>(block))->forward(activation, engine::Context{});
        } catch (const Error& error) {
            throw different(error.problem());
        }
        if (activation.sizes() != expected.sizes() || !at::allclose(activation, expected, 1e-4, 1e-5))
            throw different("its output differs");
    }

private:
    void cut_at_children()
    {
        std::vector<Child> children = children_of({"", whole_});
        while (children.size() == 1 && !children_of(children.front()).empty())
            children = children_of(children.front());
        for (const Child& child : children) {
            if (segments_.empty() || (has_parameters(child) && !blocks_.back().parts.empty())) {
                segments_.emplace_back();
                blocks_.emplace_back();
            }
            segments_.back().push_back(child);
            if (has_parameters(child))
                blocks_.back().parts.push_back({.path = child.path});
        }
        if (blocks_.empty() || blocks_.back().parts.empty())
            throw Error(Code::BadRequest, "the module has no children with parameters", where_,
                "save a module that consists of submodules, not frozen");
    }

    void cut(std::vector<BlockParts> blocks, const std::string& blocks_where)
    {
        blocks_ = std::move(blocks);
        segments_.resize(blocks_.size());
        std::vector<Child> children;
        expand({"", whole_}, children);
        std::size_t block = 0;
        for (const Child& child : children) {
            const auto holder
                = std::find_if(blocks_.begin(), blocks_.end(), [&](const BlockParts& parts) { return parts.holds(child.path); });
            if (holder != blocks_.end()) {
                const auto found = static_cast<std::size_t>(holder - blocks_.begin());
                if (found < block)
                    throw Error(Code::BadRequest, "the module " + in_quotes(child.path) + " runs after a later block", blocks_where,
                        "list the blocks in the order in which they run");
                block = found;
            } else if (has_parameters(child)) {
                throw Error(Code::BadRequest, "the module " + in_quotes(child.path) + " has parameters but belongs to no block",
                    blocks_where, "add it to a block");
            }
            segments_[block].push_back(child);
        }
        for (std::size_t i = 0; i < blocks_.size(); ++i)
            if (std::none_of(
                    segments_[i].begin(), segments_[i].end(), [&](const Child& child) { return blocks_[i].holds(child.path); }))
                throw Error(Code::BadRequest, "there is no module " + in_quotes(to_string(blocks_[i])), blocks_where,
                    "name modules as in the state_dict");
    }

    /// The children of `parent` in order, those that a block takes a part of replaced by theirs.
    void expand(const Child& parent, std::vector<Child>& children) const
    {
        for (const Child& child : children_of(parent)) {
            const bool taken_apart = std::any_of(blocks_.begin(), blocks_.end(), [&](const BlockParts& block) {
                return !block.holds(child.path) && std::any_of(block.parts.begin(), block.parts.end(), [&](const BlockPart& part) {
                    return part.path.starts_with(child.path + ".") || (part.first >= 0 && part.path == child.path);
                });
            });
            if (taken_apart)
                expand(child, children);
            else
                children.push_back(child);
        }
    }

    std::string where_;
    Module whole_;
    mutable std::mutex mutex_;
    std::vector<BlockParts> blocks_;
    std::vector<std::vector<Child>> segments_; // by block
};

} // namespace

std::unique_ptr<CutNetwork> open_script_network(
    const std::filesystem::path& file, const std::string& blocks, const std::string& blocks_where)
{
    return std::make_unique<ScriptNetwork>(file, blocks, blocks_where);
}

} // namespace pipebd::engine
