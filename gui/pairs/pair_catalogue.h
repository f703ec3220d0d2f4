// PairCatalogue: the pairs that pipebd knows in a lab, and what it says of each, asked for once.
//
// The pairs are asked for one after another, the one that is wanted before the others. GUI thread; asks in other processes and
// reads their answers in other threads.
#pragma once

#include "gui/kit/background.h"
#include "gui/lab/pipebd_process.h"
#include "gui/pairs/pair_description.h"

#include <QMap>
#include <QObject>

#include <chrono>
#include <optional>
#include <utility>

namespace pipebd::gui {

class PairCatalogue : public QObject {
    Q_OBJECT

public:
    explicit PairCatalogue(QObject* parent = nullptr);

    /// Forgets what was known; nothing is asked until refresh().
    void openLab(const QString& lab);
    void refresh(); // asks for everything anew
    void want(const QString& pair);
    /// How long pipebd may be silent before it is given up.
    void setPatience(std::chrono::milliseconds patience);

    bool isListed() const { return m_listed; }
    const std::vector<PairEntry>& pairs() const { return m_pairs; }
    const PairEntry* find(const QString& pair) const;
    const PairDescription* description(const QString& pair) const; // null until described(pair)
    QString error(const QString& pair) const; // why it cannot be described; empty if it can, or is not known yet
    bool isBusy() const;

signals:
    void listed();
    void listFailed(const QString& error);
    void described(const QString& pair); // or its error is known
    void settled(); // isBusy() has become false

private:
    void take(std::vector<PairEntry> pairs);
    void askNext();
    void known(const QString& error);
    void settleIfDone();

    QString m_lab;
    bool m_listed = false;
    std::vector<PairEntry> m_pairs;
    QMap<QString, PairDescription> m_descriptions;
    QMap<QString, QString> m_errors;
    QString m_asked; // whose description is being asked for
    QString m_wanted;
    PipebdProcess m_lister;
    PipebdProcess m_describer;
    Background<std::vector<PairEntry>> m_readingList;
    Background<PairDescription> m_readingPair;
};

} // namespace pipebd::gui
