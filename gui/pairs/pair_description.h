// What pipebd says of pairs (docs/formats/pairs.md), read from its JSON.
#pragma once

#include <QByteArray>
#include <QString>
#include <QStringList>

#include <cstdint>
#include <vector>

namespace pipebd::gui {

using Shape = std::vector<std::int64_t>; // of one sample

struct PairEntry {
    QString name;
    bool imported = false;
    QStringList blocks;
    Shape input;
    std::int64_t vocabulary = 0; // 0: the input is no text
    std::int64_t classes = 0;
};

/// Of one sample, over the paths of a supernet; else all three are the same.
struct PathRange {
    std::int64_t smallest = 0;
    std::int64_t mean = 0;
    std::int64_t largest = 0;
    bool isRange() const { return smallest != largest; }
};

struct NetworkBlock {
    Shape output;
    std::int64_t parameters = 0; // of all candidates
    std::int64_t bytes = 0;
    PathRange macs;
    PathRange parametersUsed;
    int cells = 0; // of a supernet
    int candidates = 0; // of all cells
};

struct PairBlock {
    QString name;
    NetworkBlock teacher;
    NetworkBlock student;
};

struct PairDescription {
    QString name;
    Shape input;
    std::int64_t vocabulary = 0;
    std::int64_t classes = 0;
    std::vector<PairBlock> blocks;

    /// Activations of teacher and student have one shape after every block, so that each block can be trained by itself.
    bool isBlockwise() const;
    NetworkBlock teacher() const; // of all blocks, with the output of the last
    NetworkBlock student() const;
};

/// The answer of `pipebd pairs list --json`, in its order. Throws Error{Protocol}.
std::vector<PairEntry> pairsFromJson(const QByteArray& json);

/// The answer of `pipebd pairs show NAME --json`. Throws Error{Protocol}.
PairDescription pairFromJson(const QByteArray& json);

/// Bytes of one sample's activation of this shape, in float32; of tokens, in int64.
std::int64_t activationBytes(const Shape& shape, bool tokens = false);

QString shapeText(const Shape& shape); // "16×32×32"
QString inputText(const Shape& input, std::int64_t vocabulary); // "3×224×224", "128 tokens of 30,522"
QString rangeText(const PathRange& range); // "6.1 M"; of a supernet "1.2 M – 12 M, mean 6.1 M"

} // namespace pipebd::gui
