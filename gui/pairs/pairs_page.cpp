#include "gui/pairs/pairs_page.h"

#include "gui/kit/error_text.h"
#include "gui/kit/file_dialogs.h"
#include "gui/kit/icons.h"
#include "gui/kit/number_text.h"
#include "gui/kit/picture_export.h"
#include "gui/pairs/import_wizard.h"
#include "gui/pairs/model_file_field.h"
#include "gui/pairs/pair_experiment.h"
#include "gui/pairs/pair_view.h"

#include <QAction>
#include <QLocale>
#include <QToolBar>

#include <utility>

namespace pipebd::gui {

namespace {

enum PairColumn { Name, Source, Blocks, TeacherParameters, StudentParameters, TeacherMacs, StudentMacs, Input };

std::vector<Column> pairColumns()
{
    return {{PairsPage::tr("Pair")}, {PairsPage::tr("Source"), PairsPage::tr("Built into pipebd, or imported into this lab")},
        {PairsPage::tr("Blocks"), {}, true}, {PairsPage::tr("T params"), PairsPage::tr("Parameters of the teacher"), true},
        {PairsPage::tr("S params"), PairsPage::tr("Parameters of the student; for a supernet, of all candidates"), true},
        {PairsPage::tr("T MMACs"), PairsPage::tr("Millions of multiply-accumulates per sample of the teacher"), true},
        {PairsPage::tr("S MMACs"),
            PairsPage::tr("Millions of multiply-accumulates per sample of the student; for a supernet, the mean over its paths"),
            true},
        {PairsPage::tr("Input"), PairsPage::tr("Shape of one sample")}};
}

Row rowOf(const PairEntry& entry, const PairDescription* description, const QString& error)
{
    const QLocale locale;
    const auto count = [&](std::int64_t number) {
        return Cell{countText(number), qint64(number), locale.toString(qint64(number))};
    };
    const auto millions = [&](const PathRange& macs) {
        return Cell{locale.toString(static_cast<double>(macs.mean) * 1e-6, 'f', macs.mean < 10'000'000 ? 2 : 0), qint64(macs.mean),
            PairsPage::tr("%1 MACs").arg(rangeText(macs))};
    };
    const Cell unknown{error.isEmpty() ? PairsPage::tr("…") : PairsPage::tr("?"), qint64(-1), error};
    Row row{entry.name,
        {{entry.name}, {entry.imported ? PairsPage::tr("imported") : PairsPage::tr("built in")},
            {locale.toString(entry.blocks.size()), qint64(entry.blocks.size()), entry.blocks.join(QLatin1Char('\n'))}, unknown,
            unknown, unknown, unknown, {inputText(entry.input, entry.vocabulary)}}};
    if (description) {
        const NetworkBlock teacher = description->teacher();
        const NetworkBlock student = description->student();
        row.cells[TeacherParameters] = count(teacher.parameters);
        row.cells[StudentParameters] = count(student.parameters);
        row.cells[TeacherMacs] = millions(teacher.macs);
        row.cells[StudentMacs] = millions(student.macs);
    }
    return row;
}

ListLook pairsLook()
{
    return {.id = QStringLiteral("pairs"),
        .title = PairsPage::tr("&Pairs"),
        .table = QStringLiteral("pairs"),
        .tableName = PairsPage::tr("Pairs"),
        .filterName = PairsPage::tr("Filter the pairs"),
        .filterHint = PairsPage::tr("Filter: name, source, input…"),
        .waiting = PairsPage::tr("Loading pairs…"),
        .failed = PairsPage::tr("The pairs cannot be listed"),
        .columns = pairColumns(),
        .widths = {17, 9, 7, 9, 9, 9, 9, 20},
        .sizes = {470, 810}};
}

} // namespace

PairsPage::PairsPage(Settings& settings, QWidget* parent)
    : ListPage(settings, pairsLook(), parent)
    , m_view(new PairView(this))
{
    createActions();
    setDetails(m_view);
    setRetry(m_refresh);

    connect(&m_catalogue, &PairCatalogue::listed, this, &PairsPage::showPairs);
    connect(&m_catalogue, &PairCatalogue::listFailed, this, &PairsPage::showError);
    connect(&m_catalogue, &PairCatalogue::described, this, [this](const QString& pair) {
        showPairs();
        if (pair == selectedPair())
            selectionChanged();
    });
    connect(&m_catalogue, &PairCatalogue::settled, this, &Page::settled);
    connect(&m_deleting, &PipebdProcess::finished, this, [this] {
        emit messagePosted(tr("The pair was deleted."));
        refresh();
    });
    connect(&m_deleting, &PipebdProcess::failed, this, [this](const QString& error) {
        warn(tr("The pair was not deleted"), error);
        refresh();
    });
    restoreState();
    tintIcons();
    selectionChanged();
}

void PairsPage::createActions()
{
    const auto make = [this](const QString& text, const QString& tip, auto slot) {
        auto* action = new QAction(text, this);
        action->setStatusTip(tip);
        connect(action, &QAction::triggered, this, slot);
        addAction(action);
        return action;
    };
    m_import = make(tr("&Import…"), tr("Make a pair from two models of your own"), [this] { openImportWizard(); });
    m_import->setShortcut(QKeySequence(Qt::CTRL | Qt::Key_I));
    m_delete = make(tr("&Delete…"), tr("Delete the selected pair, if it was imported"), &PairsPage::deleteSelected);
    m_measure = make(
        tr("&Measure this pair…"), tr("Measure its block costs on devices"), [this] { emit profilingRequested(selectedPair()); });
    m_plan
        = make(tr("&Plan schedules"), tr("Compare strategies from the measured profiles"), [this] { emit schedulesRequested({}); });
    m_start = make(tr("&Start a run…"), tr("Start an experiment with this pair"), &PairsPage::startRun);
    m_export = make(tr("&Export picture…"), tr("Write the diagram as PNG, PDF or SVG"), &PairsPage::exportPicture);
    m_refresh = make(tr("&Refresh"), tr("Reload the pairs"), &PairsPage::refresh);
    m_refresh->setShortcut(QKeySequence::Refresh);
    for (auto [action, name] :
        {std::pair(m_import, "importPair"), std::pair(m_delete, "deletePair"), std::pair(m_measure, "measurePair"),
            std::pair(m_plan, "planPair"), std::pair(m_start, "startPair"), std::pair(m_export, "exportPair")})
        action->setObjectName(QLatin1String(name));
    tools()->addActions({m_import, m_delete});
    tools()->addSeparator();
    tools()->addActions({m_measure, m_plan, m_start});
    tools()->addSeparator();
    tools()->addAction(m_export);
}

std::vector<QAction*> PairsPage::menuActions() const
{
    return {m_import, m_delete, nullptr, m_measure, m_plan, m_start, nullptr, m_export, m_refresh};
}

void PairsPage::openLab(const std::filesystem::path& lab)
{
    m_asked = false;
    m_catalogue.openLab(toQString(lab));
    ListPage::openLab(lab);
    selectionChanged();
}

void PairsPage::comeToFront()
{
    if (!std::exchange(m_asked, true))
        refresh();
}

bool PairsPage::isSettled() const
{
    return m_asked && !m_catalogue.isBusy();
}

void PairsPage::refresh()
{
    m_asked = true;
    if (isErrorShown())
        showWaiting();
    m_catalogue.refresh();
}

void PairsPage::showPairs()
{
    if (m_catalogue.isListed())
        showList();
    std::vector<Row> rows;
    for (const PairEntry& pair : m_catalogue.pairs())
        rows.push_back(rowOf(pair, m_catalogue.description(pair.name), m_catalogue.error(pair.name)));
    setRows(std::move(rows));
}

QString PairsPage::countOf(int shown, int all) const
{
    const QLocale locale;
    return shown == all ? tr("%1 pairs").arg(locale.toString(all))
                        : tr("%1 of %2 pairs match").arg(locale.toString(shown), locale.toString(all));
}

void PairsPage::selectionChanged()
{
    const QString name = selectedPair();
    const PairEntry* entry = m_catalogue.find(name);
    const PairDescription* description = m_catalogue.description(name);
    for (QAction* action : {m_measure, m_plan, m_start})
        action->setEnabled(entry != nullptr);
    m_delete->setEnabled(entry != nullptr && entry->imported);
    m_export->setEnabled(entry != nullptr && description != nullptr);
    if (!entry)
        m_view->showNothing();
    else if (description)
        m_view->show(*entry, *description);
    else if (const QString error = m_catalogue.error(name); !error.isEmpty())
        m_view->showError(*entry, error);
    else
        m_view->showWaiting(*entry);
    m_catalogue.want(name);
    emit commandChanged();
}

QStringList PairsPage::command() const
{
    const QString pair = selectedPair();
    QStringList words{QStringLiteral("pipebd"), QStringLiteral("pairs")};
    if (pair.isEmpty())
        words << QStringLiteral("list");
    else
        words << QStringLiteral("show") << pair;
    return words;
}

ImportWizard* PairsPage::openImportWizard(const QString& file)
{
    auto* wizard = new ImportWizard(settings(), toQString(lab()), this);
    wizard->setAttribute(Qt::WA_DeleteOnClose);
    connect(wizard, &ImportWizard::imported, this, [this](const QString& pair) {
        want(pair);
        refresh();
    });
    if (!file.isEmpty())
        wizard->addFile(file);
    wizard->open();
    return wizard;
}

bool PairsPage::openFile(const QString& file)
{
    if (!looksLikeModel(file))
        return false;
    if (auto* wizard = findChild<ImportWizard*>())
        wizard->addFile(file);
    else
        openImportWizard(file);
    return true;
}

void PairsPage::deleteSelected()
{
    const QString pair = selectedPair();
    askToDelete(tr("Delete a pair"), tr("Delete the imported pair %1?").arg(pair),
        tr("Its model files are deleted too; runs are kept."), [this, pair] {
            m_deleting.start({QStringLiteral("pairs"), QStringLiteral("delete"), QStringLiteral("--lab"), toQString(lab()),
                QStringLiteral("--"), pair});
        });
}

void PairsPage::startRun()
{
    try {
        StartRequest request;
        request.file = experimentOfPair(toQString(lab()), selectedPair());
        emit startRequested(request);
    } catch (...) {
        warn(tr("Cannot make an experiment for this pair"), currentErrorText());
    }
}

void PairsPage::exportPicture()
{
    const Picture picture = m_view->picture();
    exportInteractively(this, tr("Export a picture of the pair"), picture.title, pictureTypes(), settings(),
        [picture](const QString& file) { writePicture(picture, file); });
}

void PairsPage::warn(const QString& title, const QString& error)
{
    tellFailure(this, title, error, QStringLiteral("pairWarning"));
}

void PairsPage::tintIcons()
{
    const QColor colour = palette().color(QPalette::ButtonText);
    m_import->setIcon(tintedIcon(QStringLiteral("open"), colour));
    m_start->setIcon(tintedIcon(QStringLiteral("start"), colour));
    m_export->setIcon(tintedIcon(QStringLiteral("export"), colour));
}

} // namespace pipebd::gui
