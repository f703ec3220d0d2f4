#include "gui/pairs/pairs_page.h"

#include "gui/kit/error_text.h"
#include "gui/kit/icons.h"
#include "gui/kit/message_page.h"
#include "gui/kit/number_text.h"
#include "gui/kit/picture_export.h"
#include "gui/kit/rows_model.h"
#include "gui/kit/settings.h"
#include "gui/pairs/import_wizard.h"
#include "gui/pairs/model_file_field.h"
#include "gui/pairs/pair_experiment.h"
#include "gui/pairs/pair_view.h"

#include <QAction>
#include <QEvent>
#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QLocale>
#include <QMessageBox>
#include <QSplitter>
#include <QStackedWidget>
#include <QTableView>
#include <QToolBar>
#include <QVBoxLayout>

#include <array>
#include <utility>

namespace pipebd::gui {

namespace {

enum PairColumn { Name, Source, Blocks, TeacherParameters, StudentParameters, TeacherMacs, StudentMacs, Input, ColumnCount };

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

} // namespace

PairsPage::PairsPage(Settings& settings, QWidget* parent)
    : Page(QStringLiteral("pairs"), tr("&Pairs"), parent)
    , m_settings(settings)
    , m_stack(new QStackedWidget(this))
    , m_waiting(new MessagePage(tr("Loading pairs…"), {}, m_stack))
    , m_error(new MessagePage(tr("The pairs cannot be listed"), {}, m_stack))
    , m_splitter(new QSplitter(m_stack))
    , m_filter(new QLineEdit(this))
    , m_table(new QTableView(this))
    , m_rows(new RowsModel(pairColumns(), this))
    , m_filtered(new RowsFilter(m_rows))
    , m_count(new QLabel(this))
    , m_view(new PairView(this))
    , m_tools(new QToolBar(this))
{
    createActions();
    createTable();

    auto* left = new QWidget(m_splitter);
    auto* leftLayout = new QVBoxLayout(left);
    leftLayout->setContentsMargins(4, 4, 0, 0);
    leftLayout->setSpacing(4);
    leftLayout->addWidget(m_filter);
    leftLayout->addWidget(m_table, 1);
    leftLayout->addWidget(m_count);
    auto* right = new QWidget(m_splitter);
    auto* rightLayout = new QVBoxLayout(right);
    rightLayout->setContentsMargins({});
    rightLayout->setSpacing(0);
    rightLayout->addWidget(m_tools);
    rightLayout->addWidget(m_view, 1);
    m_splitter->addWidget(left);
    m_splitter->addWidget(right);
    m_splitter->setObjectName(QStringLiteral("pairsSplitter"));
    m_splitter->setChildrenCollapsible(false);
    m_splitter->setStretchFactor(0, 1);
    m_splitter->setStretchFactor(1, 2);
    for (QWidget* widget : std::initializer_list<QWidget*>{m_waiting, m_error, m_splitter})
        m_stack->addWidget(widget);
    m_error->addAction(m_refresh, true);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins({});
    layout->addWidget(m_stack);

    connect(&m_catalogue, &PairCatalogue::listed, this, &PairsPage::showPairs);
    connect(&m_catalogue, &PairCatalogue::listFailed, this, &PairsPage::showListError);
    connect(&m_catalogue, &PairCatalogue::described, this, [this](const QString& pair) {
        showPairs();
        if (pair == selectedPair())
            showSelected();
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
    showSelected();
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
    m_delete = make(tr("&Delete…"), tr("Delete the selected pair, if it was imported"), &PairsPage::askToDelete);
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
    m_tools->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    m_tools->setIconSize({16, 16});
    m_tools->addActions({m_import, m_delete});
    m_tools->addSeparator();
    m_tools->addActions({m_measure, m_plan, m_start});
    m_tools->addSeparator();
    m_tools->addAction(m_export);
}

void PairsPage::createTable()
{
    m_filter->setPlaceholderText(tr("Filter: name, source, input…"));
    m_filter->setClearButtonEnabled(true);
    m_filter->setObjectName(QStringLiteral("pairsFilter"));
    m_filter->setAccessibleName(tr("Filter the pairs"));
    dressTable(m_table);
    m_table->setModel(m_filtered);
    m_table->setSelectionMode(QAbstractItemView::SingleSelection);
    m_table->setObjectName(QStringLiteral("pairs"));
    m_table->setAccessibleName(tr("Pairs"));
    m_count->setForegroundRole(QPalette::PlaceholderText);
    m_count->setContentsMargins(6, 0, 6, 4);
    connect(m_filter, &QLineEdit::textChanged, this, [this](const QString& words) {
        m_filtered->setWords(words);
        showPairs();
    });
    connect(m_table->selectionModel(), &QItemSelectionModel::currentRowChanged, this, &PairsPage::showSelected);
}

std::vector<QAction*> PairsPage::menuActions() const
{
    return {m_import, m_delete, nullptr, m_measure, m_plan, m_start, nullptr, m_export, m_refresh};
}

void PairsPage::openLab(const std::filesystem::path& lab)
{
    m_lab = lab;
    m_asked = false;
    m_wanted.clear();
    m_catalogue.openLab(toQString(lab));
    m_rows->setRows({});
    m_stack->setCurrentWidget(m_waiting);
    showSelected();
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
    if (m_stack->currentWidget() == m_error)
        m_stack->setCurrentWidget(m_waiting);
    m_catalogue.refresh();
}

void PairsPage::showListError(const QString& error)
{
    if (m_rows->rowCount() > 0) {
        emit messagePosted(error); // what is on the page stays there
        return;
    }
    m_error->setText(error);
    m_stack->setCurrentWidget(m_error);
}

void PairsPage::showPairs()
{
    std::vector<Row> rows;
    for (const PairEntry& pair : m_catalogue.pairs())
        rows.push_back(rowOf(pair, m_catalogue.description(pair.name), m_catalogue.error(pair.name)));
    m_rows->setRows(std::move(rows));
    if (m_catalogue.isListed())
        m_stack->setCurrentWidget(m_splitter);
    if (!m_wanted.isEmpty() && m_rows->indexOf(m_wanted).isValid())
        selectPair(std::exchange(m_wanted, {}));
    else if (!m_table->currentIndex().isValid() && m_filtered->rowCount() > 0)
        m_table->selectRow(0);
    const QLocale locale;
    const int all = m_rows->rowCount();
    const int shown = m_filtered->rowCount();
    m_count->setText(shown == all ? tr("%1 pairs").arg(locale.toString(all))
                                  : tr("%1 of %2 pairs match").arg(locale.toString(shown), locale.toString(all)));
}

QString PairsPage::selectedPair() const
{
    return m_table->currentIndex().data(RowsModel::IdRole).toString();
}

void PairsPage::selectPair(const QString& name)
{
    const QModelIndex source = m_rows->indexOf(name);
    if (!source.isValid()) {
        m_wanted = name;
        return;
    }
    if (!m_filtered->mapFromSource(source).isValid())
        m_filter->clear(); // what is asked for is shown, whatever the filter says
    const QModelIndex index = m_filtered->mapFromSource(source);
    m_table->selectionModel()->setCurrentIndex(index, QItemSelectionModel::ClearAndSelect | QItemSelectionModel::Rows);
    m_table->scrollTo(index);
}

void PairsPage::showSelected()
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
    auto* wizard = new ImportWizard(m_settings, toQString(m_lab), this);
    wizard->setAttribute(Qt::WA_DeleteOnClose);
    connect(wizard, &ImportWizard::imported, this, [this](const QString& pair) {
        m_wanted = pair;
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

void PairsPage::askToDelete()
{
    const QString pair = selectedPair();
    auto* question = new QMessageBox(QMessageBox::Question, tr("Delete a pair"), tr("Delete the imported pair %1?").arg(pair),
        QMessageBox::Yes | QMessageBox::No, this);
    question->setObjectName(QStringLiteral("deleteQuestion"));
    question->setTextFormat(Qt::PlainText);
    question->setInformativeText(tr("Its model files are deleted too; runs are kept."));
    question->button(QMessageBox::Yes)->setText(tr("&Delete"));
    question->button(QMessageBox::No)->setText(tr("&Keep"));
    question->setDefaultButton(QMessageBox::No);
    question->setAttribute(Qt::WA_DeleteOnClose);
    connect(question, &QMessageBox::finished, this, [this, pair](int answer) {
        if (answer == QMessageBox::Yes)
            m_deleting.start({QStringLiteral("pairs"), QStringLiteral("delete"), QStringLiteral("--lab"), toQString(m_lab),
                QStringLiteral("--"), pair});
    });
    question->open();
}

void PairsPage::startRun()
{
    try {
        StartRequest request;
        request.file = experimentOfPair(toQString(m_lab), selectedPair());
        emit startRequested(request);
    } catch (...) {
        warn(tr("Cannot make an experiment for this pair"), currentErrorText());
    }
}

void PairsPage::exportPicture()
{
    const Picture picture = m_view->picture();
    exportInteractively(this, tr("Export a picture of the pair"), picture.title, pictureTypes(), m_settings,
        [picture](const QString& file) { writePicture(picture, file); });
}

void PairsPage::warn(const QString& title, const QString& error)
{
    auto* box = new QMessageBox(QMessageBox::Warning, title, error, QMessageBox::Ok, this);
    box->setObjectName(QStringLiteral("pairWarning"));
    box->setTextFormat(Qt::PlainText);
    box->setAttribute(Qt::WA_DeleteOnClose);
    box->open();
}

void PairsPage::saveState()
{
    m_settings.setState(QStringLiteral("pairsHeader"), m_table->horizontalHeader()->saveState());
    m_settings.setState(QStringLiteral("pairsSplitter"), m_splitter->saveState());
}

void PairsPage::restoreState()
{
    restoreDefaultLayout();
    const QByteArray header = m_settings.state(QStringLiteral("pairsHeader"));
    const QByteArray splitter = m_settings.state(QStringLiteral("pairsSplitter"));
    const bool headerFits = header.isEmpty()
        || (m_table->horizontalHeader()->restoreState(header) && m_table->horizontalHeader()->count() == ColumnCount);
    if (headerFits && (splitter.isEmpty() || m_splitter->restoreState(splitter)))
        return;
    m_settings.reportDamage();
    restoreDefaultLayout();
}

void PairsPage::restoreDefaultLayout()
{
    QHeaderView* header = m_table->horizontalHeader();
    const int character = m_table->fontMetrics().averageCharWidth();
    const std::array<int, ColumnCount> characters{17, 9, 7, 9, 9, 9, 9, 20};
    for (int column = 0; column < ColumnCount; ++column) {
        header->moveSection(header->visualIndex(column), column);
        header->showSection(column);
        header->resizeSection(column, character * characters[static_cast<std::size_t>(column)] + 14);
    }
    header->setSortIndicator(-1, Qt::AscendingOrder); // as pipebd lists them
    m_filtered->sort(-1);
    m_splitter->setSizes({470, 810});
}

void PairsPage::changeEvent(QEvent* event)
{
    Page::changeEvent(event);
    if (event->type() == QEvent::PaletteChange)
        tintIcons();
}

void PairsPage::tintIcons()
{
    const QColor colour = palette().color(QPalette::ButtonText);
    m_import->setIcon(tintedIcon(QStringLiteral("open"), colour));
    m_start->setIcon(tintedIcon(QStringLiteral("start"), colour));
    m_export->setIcon(tintedIcon(QStringLiteral("export"), colour));
}

} // namespace pipebd::gui
