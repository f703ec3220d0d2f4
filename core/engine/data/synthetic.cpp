#include "engine/data/synthetic.h"

#include <functional>
#include <numeric>

namespace pipebd::engine {

namespace {

class Synthetic final : public Source {
public:
    Synthetic(const Input& input, int classes)
        : values_(static_cast<std::uint64_t>(
            std::accumulate(input.shape.begin(), input.shape.end(), std::int64_t{1}, std::multiplies<>())))
        , vocabulary_(static_cast<std::uint64_t>(input.vocabulary))
        , classes_(static_cast<std::uint64_t>(classes))
    {
    }

    std::int64_t size(Part part) const override { return part == Part::Test ? 512 : 4096; }

    std::int64_t read(Part part, std::int64_t index, Row row, std::optional<Draws>) const override
    {
        const std::uint64_t sample = draw({coordinate(part == Part::Test ? "test" : "train"), static_cast<std::uint64_t>(index)});
        for (std::uint64_t i = 0; i < values_; ++i) {
            const std::uint64_t bits = mix(sample + i + 1);
            if (vocabulary_ > 0)
                row.tokens[i] = static_cast<std::int64_t>(below(vocabulary_, bits));
            else
                row.values[i] = uniform(bits);
        }
        return static_cast<std::int64_t>(below(classes_, mix(sample)));
    }

private:
    // In [-sqrt(3), sqrt(3)), from the upper 24 bits.
    static float uniform(std::uint64_t bits) { return (static_cast<float>(bits >> 40) * 0x1p-23F - 1) * 1.7320508F; }

    std::uint64_t values_; // of a sample
    std::uint64_t vocabulary_;
    std::uint64_t classes_;
};

} // namespace

std::unique_ptr<const Source> open_synthetic(const Input& input, int classes)
{
    return std::make_unique<Synthetic>(input, classes);
}

} // namespace pipebd::engine
