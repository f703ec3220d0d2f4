#include "engine/graph/cutting.h"

#include "base/error.h"
#include "base/text.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>

namespace pipebd::engine {

namespace {

class Cutter {
public:
    Cutter(const GraphAnalysis& analysis, const std::vector<BlockParts>& blocks, const std::string& where)
        : analysis_(analysis)
        , program_(analysis.program())
        , graph_(program_.graph())
        , blocks_(blocks)
        , where_(where)
    {
    }

    std::vector<Segment> cut()
    {
        find_runs();
        std::vector<int> positions{0};
        for (std::size_t block = 0; block + 1 < blocks_.size(); ++block)
            positions.push_back(position_after(block));
        positions.push_back(analysis_.nodes());

        std::vector<Segment> segments;
        for (std::size_t block = 0; block < blocks_.size(); ++block) {
            Segment segment{.name = to_string(blocks_[block]), .nodes = {}, .stored = {}, .shared = {}};
            segment.input = block == 0 ? graph_.input : segments.back().output;
            segment.output = block + 1 == blocks_.size() ? graph_.output : analysis_.crossing(positions[block + 1]).front();
            fill(segment, positions[block], positions[block + 1]);
            segments.push_back(std::move(segment));
        }
        find_shared(segments);
        return segments;
    }

private:
    [[noreturn]] void refuse(const std::string& problem, const std::string& remedy) const
    {
        throw Error(Code::BadRequest, problem, where_, remedy);
    }

    std::string name(std::size_t block) const { return in_quotes(to_string(blocks_[block])); }

    void require_known_modules() const
    {
        for (const BlockParts& block : blocks_)
            for (const BlockPart& part : block.parts) {
                bool is_there = false;
                for (int n = 0; n < analysis_.nodes() && !is_there; ++n)
                    is_there = analysis_.node(n).has_module && part.holds(analysis_.node(n).module);
                if (!is_there)
                    refuse("there is no module " + in_quotes(to_string(part)), "the model has the modules: " + modules());
            }
    }

    /// First and last node of the modules of each block.
    void find_runs()
    {
        require_known_modules();
        runs_.assign(blocks_.size(), {});
        const Node* forgotten = nullptr;
        for (int n = 0; n < analysis_.nodes(); ++n) {
            if (!analysis_.is_placed(n))
                continue;
            const Node& node = analysis_.node(n);
            std::size_t owner = blocks_.size();
            for (std::size_t block = 0; block < blocks_.size() && node.has_module; ++block) {
                if (!blocks_[block].holds(node.module))
                    continue;
                if (owner != blocks_.size())
                    refuse("the module " + in_quotes(node.module) + " belongs to two blocks", "name each module once");
                owner = block;
            }
            if (owner == blocks_.size()) {
                forgotten = forgotten || !is_forgotten(node) ? forgotten : &node;
                continue;
            }
            Run& run = runs_[owner];
            run.first = run.first < 0 ? n : run.first;
            run.last = n;
        }
        for (std::size_t block = 0; block < blocks_.size(); ++block) {
            if (runs_[block].first < 0)
                refuse("the block " + name(block) + " is empty", "the model has the modules: " + modules());
            if (block > 0 && runs_[block].first <= runs_[block - 1].last)
                refuse("the blocks " + name(block - 1) + " and " + name(block) + " do not run one after the other",
                    "list blocks in the order in which they run, or join these two with +");
        }
        if (forgotten)
            refuse("the module " + in_quotes(forgotten->module) + " has parameters but belongs to no block",
                "add it to a block with +");
    }

    /// The first modules of the model, for an error.
    std::string modules() const
    {
        std::vector<std::string> names;
        for (int n = 0; n < analysis_.nodes(); ++n) {
            const std::string& module = analysis_.node(n).module;
            if (analysis_.is_placed(n) && !module.empty() && std::ranges::find(names, module) == names.end())
                names.push_back(module);
        }
        constexpr std::size_t shown = 12;
        std::string text;
        for (std::size_t i = 0; i < std::min(names.size(), shown); ++i)
            text += (i ? ", " : "") + printable(names[i], 80);
        return text + (names.size() > shown ? ", ..." : "");
    }

    /// Whether the node is of a module with parameters, neither in a block nor around one.
    bool is_forgotten(const Node& node) const
    {
        const auto encloses
            = [&](const BlockPart& part) { return node.module.empty() || BlockPart{.path = node.module}.holds(part.path); };
        const bool is_around
            = std::ranges::any_of(blocks_, [&](const BlockParts& block) { return std::ranges::any_of(block.parts, encloses); });
        const bool has_parameters = std::ranges::any_of(
            graph_.inputs_of(node), [&](ValueId value) { return program_.value(value).kind == Value::Kind::Parameter; });
        return node.has_module && has_parameters && !is_around;
    }

    int position_after(std::size_t block) const
    {
        const int first = runs_[block].last + 1, last = runs_[block + 1].first;
        for (int p = last; p >= first; --p) {
            if (analysis_.is_legal_cut(p))
                return p;
        }
        const std::vector<ValueId> crossing = analysis_.crossing(last);
        std::string tensors;
        constexpr std::size_t shown = 5;
        for (std::size_t i = 0; i < std::min(crossing.size(), shown); ++i)
            tensors += (i ? ", " : "") + describe(crossing[i], last);
        tensors += crossing.size() > shown ? ", ..." : "";
        const std::string place = "between " + name(block) + " and " + name(block + 1);
        if (crossing.size() != 1)
            refuse(std::to_string(crossing.size()) + " tensors would cross the cut " + place + ": " + tensors, nearest(last));
        refuse("what would cross the cut " + place
                + " is not a floating-point tensor with the batch as its first dimension: " + tensors,
            nearest(last));
    }

    /// The last node in front of `p` that gave the tensor, or changed it.
    std::string describe(ValueId value, int p) const
    {
        for (int n = p - 1; n >= 0; --n) {
            const auto is_it = [&](ValueId output) { return output >= 0 && analysis_.tensor(output) == value; };
            if (std::ranges::any_of(analysis_.node(n).outputs, is_it))
                return graph_.describe(analysis_.node(n));
        }
        return in_quotes(program_.value(value).name) + ", the model's input";
    }

    std::string nearest(int p) const
    {
        int before = p - 1, after = p + 1;
        while (before > 0 && !is_useful_cut(before))
            --before;
        while (after < analysis_.nodes() && !is_useful_cut(after))
            ++after;
        std::string text;
        if (before > 0)
            text = "after " + place_of(before);
        if (after < analysis_.nodes())
            text += (text.empty() ? "" : " and ") + ("after " + place_of(after));
        return text.empty() ? "use one block" : "the nearest possible cuts are " + text;
    }

    bool is_useful_cut(int p) const { return analysis_.is_placed(p) && analysis_.is_legal_cut(p); }

    /// The outermost module that has ended in front of `p`; else the last node there.
    std::string place_of(int p) const
    {
        int last = p - 1;
        while (last > 0 && !analysis_.is_placed(last))
            --last;
        const std::string& module = analysis_.node(last).module;
        for (std::size_t end = module.find('.');; end = module.find('.', end + 1)) {
            const BlockPart part{.path = module.substr(0, end)};
            bool goes_on = part.path.empty();
            for (int n = p; n < analysis_.nodes() && !goes_on; ++n)
                goes_on = analysis_.is_placed(n) && analysis_.node(n).has_module && part.holds(analysis_.node(n).module);
            if (!goes_on)
                return printable(part.path, 80);
            if (end == std::string::npos)
                break;
        }
        return graph_.describe(analysis_.node(last));
    }

    void fill(Segment& segment, int begin, int end) const
    {
        std::set<ValueId> needed{segment.output}; // tensors and integers
        std::set<int> memories{analysis_.memory(segment.output)};
        std::set<ValueId> stored;
        for (int n = end - 1; n >= 0; --n) {
            if (!analysis_.is_live(n))
                continue;
            const bool here = n >= begin && analysis_.is_placed(n);
            const bool gives
                = std::ranges::any_of(analysis_.node(n).outputs, [&](ValueId value) { return needed.contains(value); });
            const bool changes = analysis_.changed_memory(n) >= 0 && memories.contains(analysis_.changed_memory(n));
            if (!here && (analysis_.is_placed(n) || !(gives || changes)))
                continue;
            segment.nodes.push_back(n);
            if (analysis_.is_batch_size(n))
                continue;
            for (ValueId value : graph_.inputs_of(analysis_.node(n))) {
                needed.insert(value);
                memories.insert(analysis_.memory(value));
                if (program_.value(value).is_stored())
                    stored.insert(program_.representative(value));
            }
            const bool in_place = analysis_.changed_memory(n) == analysis_.memory(segment.input);
            segment.changes_input = segment.changes_input || in_place;
        }
        std::ranges::reverse(segment.nodes);
        segment.stored.assign(stored.begin(), stored.end());
    }

    /// Whether training the block changes the value: what may then be in no other block.
    bool is_changed(ValueId stored, const Segment& segment) const
    {
        if (program_.value(stored).kind == Value::Kind::Parameter)
            return true;
        return std::ranges::any_of(segment.nodes, [&](int n) {
            const OperatorKind kind = analysis_.op(n).kind;
            if (kind != OperatorKind::BatchNorm && kind != OperatorKind::CountBatches)
                return false;
            const std::vector<ValueId> taken = graph_.inputs_of(analysis_.node(n));
            return std::ranges::find(taken, stored) != taken.end();
        });
    }

    void find_shared(std::vector<Segment>& segments) const
    {
        std::map<ValueId, const Segment*> owners;
        for (Segment& segment : segments) {
            for (ValueId stored : segment.stored) {
                const Segment* other = owners.emplace(stored, &segment).first->second;
                if (other == &segment)
                    continue;
                segment.shared.push_back(stored);
                if (is_changed(stored, segment) || is_changed(stored, *other))
                    refuse("the blocks " + in_quotes(other->name) + " and " + in_quotes(segment.name) + " share "
                            + in_quotes(program_.value(stored).state_name),
                        "put both in one block");
            }
        }
    }

    const GraphAnalysis& analysis_;
    const ExportedProgram& program_;
    const Graph& graph_;
    const std::vector<BlockParts>& blocks_;
    const std::string& where_;
    struct Run {
        int first = -1;
        int last = -1;
    };
    std::vector<Run> runs_;
};

} // namespace

std::vector<BlockParts> direct_children(const GraphAnalysis& analysis)
{
    const Graph& graph = analysis.program().graph();
    std::string parent;
    while (true) {
        std::vector<std::string> children;
        for (int n = 0; n < analysis.nodes(); ++n) {
            const std::string& module = analysis.node(n).module;
            const bool has_parameters = std::ranges::any_of(graph.inputs_of(analysis.node(n)),
                [&](ValueId value) { return analysis.program().value(value).kind == Value::Kind::Parameter; });
            if (!analysis.is_placed(n) || !has_parameters || module == parent || !BlockPart{.path = parent}.holds(module))
                continue;
            const std::size_t begin = parent.empty() ? 0 : parent.size() + 1;
            const std::string child = module.substr(0, module.find('.', begin));
            if (std::ranges::find(children, child) == children.end())
                children.push_back(child);
        }
        if (children.size() == 1) {
            parent = children[0];
            continue;
        }
        if (children.empty())
            children.push_back(parent);
        std::vector<BlockParts> blocks;
        for (const std::string& child : children)
            blocks.push_back({{BlockPart{.path = child}}});
        return blocks;
    }
}

std::vector<Segment> cut(const GraphAnalysis& analysis, const std::vector<BlockParts>& blocks, const std::string& where)
{
    return Cutter(analysis, blocks, where).cut();
}

} // namespace pipebd::engine
