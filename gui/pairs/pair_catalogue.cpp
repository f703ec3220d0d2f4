#include "gui/pairs/pair_catalogue.h"

#include <algorithm>

namespace pipebd::gui {

using namespace std::chrono_literals;

PairCatalogue::PairCatalogue(QObject* parent)
    : QObject(parent)
    , m_readingList([this](std::vector<PairEntry> pairs) { take(std::move(pairs)); },
          [this](const QString& error) {
              emit listFailed(error);
              settleIfDone();
          })
    , m_readingPair(
          [this](PairDescription description) {
              m_descriptions.insert(m_asked, std::move(description));
              known({});
          },
          [this](const QString& error) { known(error); })
{
    setPatience(60s);
    connect(&m_lister, &PipebdProcess::finished, this,
        [this](const QByteArray& output) { m_readingList.request([output] { return pairsFromJson(output); }); });
    connect(&m_lister, &PipebdProcess::failed, this, [this](const QString& error) {
        emit listFailed(error);
        settleIfDone();
    });
    connect(&m_describer, &PipebdProcess::finished, this,
        [this](const QByteArray& output) { m_readingPair.request([output] { return pairFromJson(output); }); });
    connect(&m_describer, &PipebdProcess::failed, this, [this](const QString& error) { known(error); });
}

void PairCatalogue::setPatience(std::chrono::milliseconds patience)
{
    m_lister.setPatience(patience);
    m_describer.setPatience(patience);
}

void PairCatalogue::openLab(const QString& lab)
{
    m_lab = lab;
    m_listed = false;
    m_pairs.clear();
    m_descriptions.clear();
    m_errors.clear();
    m_asked.clear();
    m_wanted.clear();
    m_lister.stop();
    m_describer.stop();
    m_readingList.forget();
    m_readingPair.forget();
}

void PairCatalogue::refresh()
{
    m_descriptions.clear();
    m_errors.clear();
    m_asked.clear();
    m_describer.stop();
    m_readingPair.forget();
    m_readingList.forget();
    m_lister.start({QStringLiteral("pairs"), QStringLiteral("list"), QStringLiteral("--json"), QStringLiteral("--lab"), m_lab});
}

void PairCatalogue::take(std::vector<PairEntry> pairs)
{
    m_pairs = std::move(pairs);
    m_listed = true;
    emit listed();
    askNext();
    settleIfDone();
}

void PairCatalogue::want(const QString& pair)
{
    m_wanted = pair;
    if (m_asked.isEmpty() || m_asked == pair || description(pair) || !error(pair).isEmpty() || !find(pair))
        return;
    m_asked.clear(); // its turn comes again
    m_readingPair.forget();
    askNext();
}

void PairCatalogue::askNext()
{
    const auto isUnknown = [this](const QString& pair) { return !description(pair) && error(pair).isEmpty(); };
    QString next = find(m_wanted) && isUnknown(m_wanted) ? m_wanted : QString();
    for (const PairEntry& pair : m_pairs)
        if (next.isEmpty() && isUnknown(pair.name))
            next = pair.name;
    m_asked = next;
    if (!next.isEmpty())
        m_describer.start({QStringLiteral("pairs"), QStringLiteral("show"), QStringLiteral("--json"), QStringLiteral("--lab"),
            m_lab, QStringLiteral("--"), next});
}

void PairCatalogue::known(const QString& error)
{
    const QString pair = m_asked;
    if (!error.isEmpty())
        m_errors.insert(pair, error);
    askNext();
    emit described(pair);
    settleIfDone();
}

void PairCatalogue::settleIfDone()
{
    if (!isBusy())
        emit settled();
}

const PairEntry* PairCatalogue::find(const QString& pair) const
{
    const auto found = std::find_if(m_pairs.begin(), m_pairs.end(), [&](const PairEntry& entry) { return entry.name == pair; });
    return found == m_pairs.end() ? nullptr : &*found;
}

const PairDescription* PairCatalogue::description(const QString& pair) const
{
    const auto found = m_descriptions.constFind(pair);
    return found == m_descriptions.constEnd() ? nullptr : &*found;
}

QString PairCatalogue::error(const QString& pair) const
{
    return m_errors.value(pair);
}

bool PairCatalogue::isBusy() const
{
    return m_lister.isRunning() || m_readingList.isBusy() || !m_asked.isEmpty();
}

} // namespace pipebd::gui
