#include "gui/pairs/pair_menu.h"

#include "gui/pairs/pair_experiment.h"

#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>

#include <utility>

namespace pipebd::gui {

namespace {

constexpr qsizetype mostPairs = 200;

}

PairMenu::PairMenu(QString lab, QWidget* parent)
    : QMenu(parent)
    , m_lab(std::move(lab))
    , m_writing([this](const QString& file) { emit experimentChosen(file); }, [this](const QString& error) { emit failed(error); })
{
    setObjectName(QStringLiteral("pairMenu"));
    connect(this, &QMenu::aboutToShow, this, &PairMenu::ask);
    connect(&m_process, &PipebdProcess::finished, this, &PairMenu::take);
    connect(&m_process, &PipebdProcess::failed, this, &PairMenu::showNote);
}

void PairMenu::ask()
{
    if (!isEmpty() && actions().first()->isEnabled())
        return; // known
    showNote(tr("Loading…"));
    m_process.start({QStringLiteral("pairs"), QStringLiteral("--json"), QStringLiteral("--lab"), m_lab});
}

void PairMenu::showNote(const QString& note)
{
    clear();
    addAction(QString(note).replace(QLatin1Char('&'), QStringLiteral("&&")))->setEnabled(false);
}

void PairMenu::take(const QByteArray& answer)
{
    clear();
    const QJsonArray pairs = QJsonDocument::fromJson(answer).array();
    for (const QJsonValue& pair : pairs) {
        const QString name = pair[QLatin1String("name")].toString();
        if (name.isEmpty() || actions().size() >= mostPairs)
            continue;
        QAction* action = addAction(QString(name).replace(QLatin1Char('&'), QStringLiteral("&&")));
        connect(action, &QAction::triggered, this, [this, name] { choose(name); });
    }
    if (isEmpty())
        showNote(tr("No pairs"));
}

void PairMenu::choose(const QString& pair)
{
    m_writing.request([lab = m_lab, pair] { return experimentOfPair(lab, pair); });
}

} // namespace pipebd::gui
