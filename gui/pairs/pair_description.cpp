#include "gui/pairs/pair_description.h"

#include "base/error.h"
#include "base/text.h"
#include "gui/kit/number_text.h"

#include <QCoreApplication>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QLocale>

#include <algorithm>
#include <cmath>

namespace pipebd::gui {

namespace {

constexpr double largestCount = 9007199254740992.0; // 2^53

[[noreturn]] void notUnderstood(const QString& place)
{
    throw Error(Code::Protocol, "unexpected answer from pipebd", place.toStdString(),
        "install pipebd and pipebd-workbench of the same version");
}

// Values of one JSON object by key; what is missing or of another type is an error that names its place.
class Reader {
public:
    Reader(const QJsonValue& value, QString place)
        : m_object(value.toObject())
        , m_place(std::move(place))
    {
        if (!value.isObject())
            notUnderstood(m_place);
    }

    std::int64_t count(const char* key) const { return countOf(m_object.value(QLatin1String(key)), placeOf(key)); }

    QString text(const char* key) const
    {
        const QJsonValue value = m_object.value(QLatin1String(key));
        if (!value.isString())
            notUnderstood(placeOf(key));
        return value.toString();
    }

    QJsonArray list(const char* key) const
    {
        const QJsonValue value = m_object.value(QLatin1String(key));
        if (!value.isArray())
            notUnderstood(placeOf(key));
        return value.toArray();
    }

    Shape shape(const char* key) const
    {
        Shape shape;
        for (const QJsonValue& size : list(key))
            shape.push_back(countOf(size, placeOf(key)));
        return shape;
    }

    Reader object(const char* key) const { return {m_object.value(QLatin1String(key)), placeOf(key)}; }
    bool has(const char* key) const { return m_object.contains(QLatin1String(key)); }
    bool flag(const char* key) const { return m_object.value(QLatin1String(key)).toBool(); }

private:
    static std::int64_t countOf(const QJsonValue& value, const QString& place)
    {
        const double number = value.toDouble(-1);
        if (!(number >= 0 && number <= largestCount))
            notUnderstood(place);
        return static_cast<std::int64_t>(number);
    }

    QString placeOf(const char* key) const { return m_place + QLatin1Char('.') + QLatin1String(key); }

    QJsonObject m_object;
    QString m_place;
};

QJsonDocument parsed(const QByteArray& json, const char* question)
{
    QJsonParseError error;
    const QJsonDocument document = QJsonDocument::fromJson(json, &error);
    if (document.isNull())
        notUnderstood(QStringLiteral("pipebd %1: %2")
                          .arg(QLatin1String(question), QString::fromStdString(in_quotes(json.left(60).toStdString()))));
    return document;
}

PathRange rangeOf(const Reader& range)
{
    return {range.count("smallest"), range.count("mean"), range.count("largest")};
}

NetworkBlock blockOf(const Reader& block)
{
    NetworkBlock read;
    read.output = block.shape("output");
    read.parameters = block.count("parameters");
    read.bytes = block.count("bytes");
    read.macs = rangeOf(block.object("macs"));
    read.parametersUsed = rangeOf(block.object("parameters_used"));
    if (block.has("cells")) {
        for (const QJsonValue& cell : block.list("cells")) {
            ++read.cells;
            read.candidates += static_cast<int>(cell.toObject().value(QLatin1String("candidates")).toArray().size());
        }
    }
    return read;
}

void add(PathRange& sum, const PathRange& range)
{
    sum.smallest += range.smallest;
    sum.mean += range.mean;
    sum.largest += range.largest;
}

void add(NetworkBlock& sum, const NetworkBlock& block)
{
    sum.output = block.output;
    sum.parameters += block.parameters;
    sum.bytes += block.bytes;
    sum.cells += block.cells;
    sum.candidates += block.candidates;
    add(sum.macs, block.macs);
    add(sum.parametersUsed, block.parametersUsed);
}

} // namespace

bool PairDescription::isBlockwise() const
{
    return std::all_of(
        blocks.begin(), blocks.end(), [](const PairBlock& block) { return block.teacher.output == block.student.output; });
}

NetworkBlock PairDescription::teacher() const
{
    NetworkBlock sum;
    for (const PairBlock& block : blocks)
        add(sum, block.teacher);
    return sum;
}

NetworkBlock PairDescription::student() const
{
    NetworkBlock sum;
    for (const PairBlock& block : blocks)
        add(sum, block.student);
    return sum;
}

std::vector<PairEntry> pairsFromJson(const QByteArray& json)
{
    const QJsonDocument document = parsed(json, "pairs list --json");
    if (!document.isArray())
        notUnderstood(QStringLiteral("pipebd pairs list --json"));
    std::vector<PairEntry> pairs;
    for (const QJsonValue& value : document.array()) {
        const Reader pair(value, QStringLiteral("pipebd pairs list --json: [%1]").arg(pairs.size()));
        PairEntry entry;
        entry.name = pair.text("name");
        entry.imported = pair.flag("imported");
        for (const QJsonValue& block : pair.list("blocks"))
            entry.blocks << block.toString();
        entry.input = pair.shape("input");
        entry.vocabulary = pair.count("vocabulary");
        entry.classes = pair.count("classes");
        pairs.push_back(std::move(entry));
    }
    return pairs;
}

PairDescription pairFromJson(const QByteArray& json)
{
    const QString place = QStringLiteral("pipebd pairs show --json: ");
    const QJsonDocument document = parsed(json, "pairs show --json");
    const Reader pair(document.object(), place);
    if (pair.text("format") != QLatin1String("pipebd.pair-description/1"))
        notUnderstood(place + QStringLiteral("format"));
    PairDescription description;
    description.name = pair.text("name");
    description.input = pair.object("input").shape("shape");
    description.vocabulary = pair.object("input").count("vocabulary");
    description.classes = pair.count("classes");
    for (const QJsonValue& value : pair.list("blocks")) {
        const Reader block(value, place + QStringLiteral("blocks[%1]").arg(description.blocks.size()));
        description.blocks.push_back({block.text("name"), blockOf(block.object("teacher")), blockOf(block.object("student"))});
    }
    if (description.blocks.empty())
        notUnderstood(place + QStringLiteral("blocks"));
    return description;
}

std::int64_t activationBytes(const Shape& shape, bool tokens)
{
    double bytes = tokens ? 8 : 4;
    for (const std::int64_t size : shape)
        bytes *= static_cast<double>(size);
    return static_cast<std::int64_t>(std::min(bytes, largestCount));
}

QString shapeText(const Shape& shape)
{
    QStringList sizes;
    for (const std::int64_t size : shape)
        sizes << QString::number(size);
    return sizes.join(QStringLiteral("×"));
}

QString inputText(const Shape& input, std::int64_t vocabulary)
{
    return vocabulary > 0
        ? QCoreApplication::translate("Pairs", "%1 tokens of %2").arg(shapeText(input), QLocale().toString(qint64(vocabulary)))
        : shapeText(input);
}

QString rangeText(const PathRange& range)
{
    if (!range.isRange())
        return countText(range.mean);
    return QCoreApplication::translate("Pairs", "%1 – %2, mean %3")
        .arg(countText(range.smallest), countText(range.largest), countText(range.mean));
}

} // namespace pipebd::gui
