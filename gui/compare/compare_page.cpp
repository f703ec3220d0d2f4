#include "gui/compare/compare_page.h"

#include "base/error.h"
#include "gui/charts/chart_export.h"
#include "gui/compare/compared_runs_model.h"
#include "gui/compare/comparison_charts.h"
#include "gui/compare/comparison_tables.h"
#include "gui/kit/command_strip.h"
#include "gui/kit/file_dialogs.h"
#include "gui/kit/message_page.h"
#include "gui/kit/settings.h"
#include "gui/lab/lab_writer.h"
#include "gui/lab/run_follower.h"
#include "gui/runs/run_chooser.h"
#include "store/comparison_report.h"
#include "store/comparison_tables.h"

#include <QAction>
#include <QFileInfo>
#include <QHBoxLayout>
#include <QLabel>
#include <QListView>
#include <QSplitter>
#include <QStackedWidget>
#include <QToolButton>
#include <QVBoxLayout>

#include <algorithm>
#include <chrono>
#include <utility>

namespace pipebd::gui {

using namespace std::chrono_literals;

namespace {

constexpr auto readAgainAfter = 1s;
const QString columnsKey = QStringLiteral("compareColumns");
const QString rowsKey = QStringLiteral("compareRows");

QString nameOf(const store::RunComparison& comparison)
{
    QStringList ids;
    for (const store::ComparedRun& run : comparison.runs)
        ids << QString::number(run.record.id);
    return QStringLiteral("runs-") + ids.join(QLatin1Char('-'));
}

bool hasMoved(const store::RunRecord& now, const store::RunRecord& then)
{
    return now.state != then.state || now.steps_done != then.steps_done || now.throughput != then.throughput;
}

} // namespace

ComparePage::ComparePage(Settings& settings, QWidget* parent)
    : Page(QStringLiteral("compare"), tr("&Compare"), parent)
    , m_settings(settings)
    , m_runs(new ComparedRunsModel(this))
    , m_reading([this](const Read& read) { take(read); },
          [this](const QString& error) {
              m_problems->setText(error);
              m_problems->show();
              emit settled();
          })
    , m_stack(new QStackedWidget(this))
    , m_columns(new QSplitter(Qt::Horizontal, m_stack))
    , m_rows(new QSplitter(Qt::Vertical, m_columns))
    , m_list(new QListView(this))
    , m_charts(new ComparisonCharts(settings, m_rows))
    , m_tables(new ComparisonTables(m_rows))
    , m_problems(new QLabel(this))
{
    createActions();
    m_problems->setObjectName(QStringLiteral("problems"));
    m_problems->setTextFormat(Qt::PlainText);
    m_problems->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_problems->setWordWrap(true);
    m_problems->setContentsMargins(10, 6, 10, 6);
    m_problems->hide();

    m_rows->addWidget(m_charts);
    m_rows->addWidget(m_tables);
    m_columns->addWidget(buildChooser());
    m_columns->addWidget(m_rows);
    for (QSplitter* splitter : {m_columns, m_rows}) {
        splitter->setChildrenCollapsible(false);
        splitter->setHandleWidth(5);
        splitter->setStretchFactor(0, splitter == m_rows ? 1 : 0);
        splitter->setStretchFactor(1, splitter == m_rows ? 0 : 1);
    }
    auto* empty = new MessagePage(
        tr("Nothing to compare yet"), tr("Select runs in the run list and press Compare, or add them here."), m_stack);
    empty->addAction(m_add, true);
    m_stack->addWidget(empty);
    m_stack->addWidget(m_columns);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins({});
    layout->setSpacing(0);
    layout->addWidget(m_problems);
    layout->addWidget(m_stack, 1);

    m_readAgain.setSingleShot(true);
    connect(&m_readAgain, &QTimer::timeout, this, &ComparePage::read);
    connect(m_runs, &ComparedRunsModel::shownChanged, m_charts, &ComparisonCharts::setShown);
    connect(m_charts, &ComparisonCharts::exportRequested, this, &ComparePage::exportChart);
    connect(m_tables, &ComparisonTables::differencesOnlyChanged, this, &Page::commandChanged);
    setDefaultSizes();
    for (const auto& [key, splitter] : {std::pair(columnsKey, m_columns), std::pair(rowsKey, m_rows)})
        if (const QByteArray state = settings.state(key); !state.isEmpty() && !splitter->restoreState(state))
            settings.reportDamage();
    showRuns();
}

ComparePage::~ComparePage() = default;

QWidget* ComparePage::buildChooser()
{
    auto* chooser = new QWidget(m_columns);
    m_list->setModel(m_runs);
    m_list->setObjectName(QStringLiteral("comparedRuns"));
    m_list->setAccessibleName(tr("Compared runs"));
    m_list->setSelectionMode(QAbstractItemView::ExtendedSelection);
    m_list->setFrameShape(QFrame::NoFrame);
    m_list->setIconSize({28, 16});
    m_list->setUniformItemSizes(true);
    m_list->setContextMenuPolicy(Qt::ActionsContextMenu);
    m_list->addActions({m_add, m_remove, m_removeAll});
    connect(m_list, &QListView::doubleClicked, this,
        [this](const QModelIndex& index) { emit runRequested(index.data(ComparedRunsModel::RunIdRole).toInt()); });
    connect(m_list->selectionModel(), &QItemSelectionModel::selectionChanged, this,
        [this] { m_remove->setEnabled(m_list->selectionModel()->hasSelection()); });
    auto* title = new QLabel(tr("Runs"), chooser);
    title->setContentsMargins(6, 0, 0, 0);
    const auto button = [&](QAction* action) {
        auto* made = new QToolButton(chooser);
        made->setDefaultAction(action);
        made->setAutoRaise(true);
        made->setFocusPolicy(Qt::StrongFocus);
        return made;
    };
    auto* buttons = new QHBoxLayout;
    buttons->setContentsMargins(4, 2, 4, 4);
    buttons->addWidget(button(m_add));
    buttons->addWidget(button(m_remove));
    buttons->addStretch();
    auto* layout = new QVBoxLayout(chooser);
    layout->setContentsMargins(0, 8, 0, 0);
    layout->setSpacing(4);
    layout->addWidget(title);
    layout->addWidget(m_list, 1);
    layout->addLayout(buttons);
    return chooser;
}

void ComparePage::createActions()
{
    const auto make = [this](const QString& text, const QString& tip, const char* name, const auto& does) {
        auto* action = new QAction(text, this);
        action->setStatusTip(tip);
        action->setObjectName(QLatin1String(name));
        connect(action, &QAction::triggered, this, does);
        return action;
    };
    m_add = make(tr("&Add runs…"), tr("Add runs of this lab"), "addRuns", [this] { chooseRuns(); });
    m_add->setShortcut(QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_A));
    m_remove = make(
        tr("&Remove"), tr("Remove the selected runs from the comparison"), "removeRuns", [this] { removeRuns(selectedRuns()); });
    m_remove->setShortcut(QKeySequence::Delete);
    m_remove->setShortcutContext(Qt::WidgetShortcut);
    m_remove->setEnabled(false);
    m_removeAll
        = make(tr("Remove a&ll"), tr("Remove all runs from the comparison"), "removeAllRuns", [this] { removeRuns(runs()); });
    m_exportTables = make(
        tr("Export the &tables…"), tr("Write results and settings as CSV or JSON"), "exportTables", [this] { exportTables(); });
    m_exportReport
        = make(tr("Export a r&eport…"), tr("Write the comparison as one HTML file"), "exportReport", [this] { exportReport(); });
    for (ComparisonChart* chart : m_charts->charts())
        m_exportCharts.push_back(make(tr("Export %1…").arg(chart->MetricChart::title()),
            tr("Write this chart as PNG, PDF, SVG or CSV"), "exportChart", [this, chart] { exportChart(chart); }));
}

std::vector<QAction*> ComparePage::menuActions() const
{
    std::vector<QAction*> all{m_add, m_remove, m_removeAll, nullptr, m_exportReport, m_exportTables};
    all.insert(all.end(), m_exportCharts.begin(), m_exportCharts.end());
    return all;
}

void ComparePage::openLab(const std::filesystem::path& lab)
{
    m_lab = lab;
    setRuns({});
}

std::vector<int> ComparePage::runs() const
{
    return m_runs->runs();
}

void ComparePage::setRuns(const std::vector<int>& ids)
{
    removeRuns(runs());
    addRuns(ids);
}

void ComparePage::addRuns(const std::vector<int>& ids)
{
    for (const int id : ids)
        m_runs->add(id);
    showRuns();
    if (!ids.empty())
        read();
}

void ComparePage::removeRuns(const std::vector<int>& ids)
{
    for (const int id : ids) {
        m_followers.erase(id);
        m_waitedFor.erase(id);
        m_charts->removeRun(id);
        m_runs->remove(id);
    }
    if (ids.empty())
        return;
    showRuns();
    m_reading.forget();
    if (runs().empty()) {
        m_comparison = std::make_shared<const store::RunComparison>();
        m_tables->setComparison(m_comparison);
    } else {
        read();
    }
    emit settled();
}

std::vector<int> ComparePage::selectedRuns() const
{
    std::vector<int> ids;
    for (const QModelIndex& index : m_list->selectionModel()->selectedIndexes())
        ids.push_back(index.data(ComparedRunsModel::RunIdRole).toInt());
    return ids;
}

void ComparePage::showRuns()
{
    const bool any = !runs().empty();
    m_stack->setCurrentIndex(any ? 1 : 0);
    m_removeAll->setEnabled(any);
    m_exportTables->setEnabled(any);
    m_exportReport->setEnabled(any);
    for (QAction* action : m_exportCharts)
        action->setEnabled(any);
    showProblems();
    emit commandChanged();
}

void ComparePage::showProblems()
{
    const QStringList problems = m_runs->problems();
    m_problems->setText(problems.join(QLatin1Char('\n')));
    m_problems->setVisible(!problems.isEmpty());
}

void ComparePage::chooseRuns()
{
    auto* chooser = new RunChooser(m_lab, runs(), window());
    chooser->setAttribute(Qt::WA_DeleteOnClose);
    connect(chooser, &QDialog::accepted, this, [this, chooser] { addRuns(chooser->runs()); });
    chooser->open();
}

// What has been read of runs that have ended is not read again.
void ComparePage::read()
{
    m_reading.request([lab = m_lab, ids = runs(), known = m_comparison] {
        const store::Lab opened(lab, store::Lab::Mode::ExistingOrEmpty);
        const std::map<int, store::Annotation> annotations = opened.annotations();
        Read read;
        std::vector<store::ComparedRun> compared;
        for (const int id : ids) {
            try {
                const store::RunRecord record = opened.run(id);
                const auto said = annotations.find(id);
                const auto before = std::find_if(known->runs.begin(), known->runs.end(), [&](const store::ComparedRun& run) {
                    return run.record.folder == record.folder && run.record.finished == record.finished
                        && run.record.state == record.state && store::is_final(record.state);
                });
                compared.push_back(before != known->runs.end()
                        ? *before
                        : read_compared_run(record, said == annotations.end() ? store::Annotation() : said->second));
            } catch (const Error& error) {
                if (error.code() != Code::NotFound)
                    throw;
                read.missing.push_back(id);
            }
        }
        read.comparison = std::make_shared<const store::RunComparison>(store::compare_runs(std::move(compared)));
        return read;
    });
}

void ComparePage::take(const Read& read)
{
    m_comparison = read.comparison;
    for (const int id : read.missing)
        m_runs->setProblem(id, tr("this run does not exist in this lab"));
    for (const store::ComparedRun& run : m_comparison->runs) {
        m_runs->setRecord(run.record);
        m_charts->addRun(run.record);
        if (m_runs->contains(run.record.id) && !m_followers.contains(run.record.id))
            follow(run.record);
    }
    std::vector<std::vector<int>> groups;
    for (const store::Repetition& repetition : m_comparison->repetitions) {
        groups.emplace_back();
        for (const std::size_t run : repetition.runs)
            groups.back().push_back(m_comparison->runs[run].record.id);
    }
    m_charts->setRepetitions(groups);
    m_tables->setComparison(m_comparison);
    showProblems();
    if (isSettled())
        emit settled();
}

void ComparePage::follow(const store::RunRecord& run)
{
    const int id = run.id;
    m_waitedFor.insert(id);
    auto follower = std::make_unique<RunFollower>(run.folder);
    connect(follower.get(), &RunFollower::updated, this, [this, id](const RunUpdate& update) { takeUpdate(id, update); });
    connect(follower.get(), &RunFollower::failed, this, [this, id](const QString& error) {
        m_runs->setProblem(id, error);
        showProblems();
        settle(id);
    });
    m_followers[id] = std::move(follower);
}

void ComparePage::takeUpdate(int run, const RunUpdate& update)
{
    m_charts->take(run, update);
    if (update.record) {
        store::RunRecord record = *update.record;
        record.id = run; // its folder's, wherever that was copied from
        m_runs->setRecord(record);
        m_charts->addRun(record);
        const auto known = std::find_if(m_comparison->runs.begin(), m_comparison->runs.end(),
            [run](const store::ComparedRun& compared) { return compared.record.id == run; });
        if (known != m_comparison->runs.end() && hasMoved(record, known->record) && !m_readAgain.isActive())
            m_readAgain.start(readAgainAfter);
    }
    if (update.caughtUp)
        settle(run);
}

void ComparePage::settle(int run)
{
    if (m_waitedFor.erase(run) > 0 && isSettled())
        emit settled();
}

bool ComparePage::isSettled() const
{
    return !m_reading.isBusy() && m_waitedFor.empty();
}

QStringList ComparePage::command() const
{
    const std::vector<int> ids = runs();
    if (ids.empty())
        return {};
    QStringList words{QStringLiteral("pipebd"), QStringLiteral("runs"), QStringLiteral("compare")};
    for (const int id : ids)
        words << QString::number(id);
    if (m_tables->differencesOnly())
        words << QStringLiteral("--differences-only");
    return words;
}

void ComparePage::exportChart(MetricChart* chart)
{
    exportChartInteractively(*chart, nameOf(*m_comparison), m_settings, window());
}

void ComparePage::exportTables()
{
    askForFile(window(), tr("Export the tables"), nameOf(*m_comparison),
        {{tr("CSV table"), QStringLiteral("csv")}, {tr("JSON"), QStringLiteral("json")}}, m_settings, [this](const QString& file) {
            const bool json = QFileInfo(file).suffix().compare(QLatin1String("json"), Qt::CaseInsensitive) == 0;
            writeInBackground(file, json ? QString() : QStringLiteral("--csv"),
                [json, comparison = m_comparison, differences = m_tables->differencesOnly()] {
                    return QByteArray::fromStdString(
                        json ? store::to_json(*comparison, differences) : store::to_csv(*comparison, differences));
                });
        });
}

void ComparePage::exportReport()
{
    askForFile(window(), tr("Export a report"), nameOf(*m_comparison), {{tr("HTML page"), QStringLiteral("html")}}, m_settings,
        [this](const QString& file) {
            writeInBackground(file, QStringLiteral("--html"),
                [comparison = m_comparison] { return QByteArray::fromStdString(store::comparison_report(*comparison)); });
        });
}

void ComparePage::writeInBackground(const QString& file, const QString& option, std::function<QByteArray()> contents)
{
    emit messagePosted(tr("Writing %1…").arg(file));
    QStringList words = command();
    if (!option.isEmpty())
        words << option << file;
    doInBackground(
        this, [file, contents = std::move(contents)] { writeFile(file, contents()); },
        [this, file, words, option](const QString& error) {
            if (!error.isEmpty())
                tellFailure(window(), tr("Export"), error);
            else
                emit messagePosted(option.isEmpty() ? tr("Written: %1").arg(file) : tr("Written · %1").arg(commandLine(words)));
        });
}

void ComparePage::fitAll()
{
    m_charts->fitAll();
}

void ComparePage::drawNow()
{
    m_charts->drawNow();
}

void ComparePage::saveState()
{
    m_settings.setState(columnsKey, m_columns->saveState());
    m_settings.setState(rowsKey, m_rows->saveState());
    m_charts->saveState();
}

void ComparePage::setDefaultSizes()
{
    m_columns->setSizes({190, 800});
    m_rows->setSizes({420, 260});
}

void ComparePage::restoreDefaultLayout()
{
    setDefaultSizes();
    m_tables->setDifferencesOnly(true);
    m_charts->restoreDefaultLayout();
}

} // namespace pipebd::gui
