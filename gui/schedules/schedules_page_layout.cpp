// The widgets and actions of the schedules page.
#include "gui/kit/labels.h"
#include "gui/kit/message_page.h"
#include "gui/kit/optional_slider.h"
#include "gui/kit/rows_model.h"
#include "gui/kit/settings.h"
#include "gui/schedules/schedules_page.h"
#include "gui/schedules/stage_editor.h"
#include "gui/schedules/strategy_table_model.h"
#include "gui/schedules/what_if_panel.h"
#include "gui/timeline/timeline_view.h"

#include <QAction>
#include <QComboBox>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QPushButton>
#include <QScrollArea>
#include <QSortFilterProxyModel>
#include <QSplitter>
#include <QStackedWidget>
#include <QTableView>
#include <QToolButton>
#include <QVBoxLayout>

#include <array>

namespace pipebd::gui {

namespace {

constexpr int panelWidth = 248;
constexpr int profileCharacters = 26;
const QStringList hiddenAtFirst{
    QStringLiteral("single"), QStringLiteral("ls"), QStringLiteral("ls-steal"), QStringLiteral("ir"), QStringLiteral("tr")};

QToolButton* buttonOf(QAction* action, QWidget* parent)
{
    auto* button = new QToolButton(parent);
    button->setDefaultAction(action);
    button->setToolButtonStyle(Qt::ToolButtonTextOnly);
    return button;
}

} // namespace

SchedulesPage::SchedulesPage(Settings& settings, QWidget* parent)
    : Page(QStringLiteral("schedules"), tr("&Schedules"), parent)
    , m_settings(settings)
    , m_stack(new QStackedWidget(this))
    , m_empty(new MessagePage(tr("Nothing has been measured yet"),
          tr("Schedules are compared from measured block costs of a pair on your devices.\n"
             "Measure a pair once (about a minute); then every schedule for it is predicted instantly."),
          m_stack))
    , m_profileBox(new QComboBox(this))
    , m_runBox(new QComboBox(this))
    , m_whatIf(new WhatIfPanel(this))
    , m_best(new QLabel(this))
    , m_notes(new QLabel(this))
    , m_runButton(new QPushButton(this))
    , m_model(new StrategyTableModel(this))
    , m_sorted(new QSortFilterProxyModel(this))
    , m_table(new QTableView(this))
    , m_timelines(new TimelineView(this))
    , m_editor(new StageEditor(this))
    , m_editorLine(new QLabel(this))
    , m_rows(new QSplitter(Qt::Vertical, this))
    , m_reading([this](std::vector<store::StoredProfile> profiles) { takeProfiles(std::move(profiles)); },
          [this](const QString& error) {
              m_profilesRead = true;
              showError(error);
          })
    , m_loading([this](const LoadedProfile& loaded) { takeProfile(loaded); }, [this](const QString& error) { showError(error); })
    , m_planning([this](PlanAnswer answer) { take(std::move(answer)); }, [this](const QString& error) { showError(error); })
    , m_measuring(
          [this](std::map<QString, MeasuredStep> measured) {
              m_model->setMeasured(std::move(measured));
              emitIfSettled();
          },
          [this](const QString& error) {
              emit messagePosted(error);
              emitIfSettled();
          })
    , m_overlaying(
          [this](Overlay overlay) {
              m_overlay = std::move(overlay);
              showTimelines();
              emitIfSettled();
          },
          [this](const QString& error) {
              m_runBox->setCurrentIndex(0);
              emit messagePosted(error);
              emitIfSettled();
          })
    , m_finding([this](const QString& file) { takeFile(file); }, [this](const QString& error) { emit messagePosted(error); })
{
    makeActions();
    for (const QString& strategy : hiddenAtFirst)
        m_model->setShown(strategy, false);
    layOut();
    connectParts();
    connectEditor();
    restoreDefaultLayout();
    restoreState();
}

SchedulesPage::~SchedulesPage() = default;

void SchedulesPage::layOut()
{
    m_rows->setChildrenCollapsible(false);
    m_rows->addWidget(buildTable());
    m_rows->addWidget(m_timelines);
    m_rows->addWidget(buildEditor());
    m_rows->setStretchFactor(1, 1);
    auto* right = new QWidget(this);
    auto* down = new QVBoxLayout(right);
    down->setContentsMargins(0, 4, 8, 0);
    down->setSpacing(4);
    down->addWidget(buildHead());
    down->addWidget(m_rows, 1);
    auto* content = new QWidget(m_stack);
    auto* across = new QHBoxLayout(content);
    across->setContentsMargins({});
    across->setSpacing(0);
    across->addWidget(buildPanel());
    across->addWidget(right, 1);
    m_stack->addWidget(m_empty);
    m_stack->addWidget(content);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins({});
    layout->addWidget(m_stack);
}

void SchedulesPage::connectParts()
{
    connect(m_whatIf, &WhatIfPanel::changed, this, &SchedulesPage::ask);
    connect(m_model, &StrategyTableModel::shownChanged, this, &SchedulesPage::showTimelines);
    connect(m_timelines, &TimelineView::exportRequested, this, &SchedulesPage::exportTimelines);
    connect(m_editor, &StageEditor::refused, this, &Page::messagePosted);
    connect(m_profileBox, &QComboBox::activated, this, [this] { loadProfile(m_profileBox->currentData().toString()); });
    connect(m_runBox, &QComboBox::activated, this, [this] { overlayRun(m_runBox->currentData().toInt()); });
}

QWidget* SchedulesPage::buildPanel()
{
    m_profileBox->setObjectName(QStringLiteral("profile"));
    m_profileBox->setMinimumContentsLength(profileCharacters);
    m_profileBox->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
    m_profileBox->setToolTip(tr("Profile: pair, batch size and devices"));
    m_runBox->setObjectName(QStringLiteral("measuredRun"));
    m_runBox->setMinimumContentsLength(profileCharacters);
    m_runBox->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
    m_runBox->setToolTip(tr("Show the measured steps of a run with their prediction"));
    auto* panel = new QWidget(this);
    auto* profileLabel = new QLabel(tr("Pr&ofile"), panel);
    profileLabel->setBuddy(m_profileBox);
    auto* runLabel = new QLabel(tr("Overlay a meas&ured run"), panel);
    runLabel->setBuddy(m_runBox);
    auto* layout = new QVBoxLayout(panel);
    layout->setContentsMargins(0, 8, 0, 0);
    layout->setSpacing(4);
    auto* top = new QVBoxLayout;
    top->setContentsMargins(10, 0, 10, 4);
    auto* heading = new QHBoxLayout;
    heading->addWidget(profileLabel);
    heading->addStretch();
    heading->addWidget(buttonOf(m_menu.front(), panel)); // measure
    top->addLayout(heading);
    top->addWidget(m_profileBox);
    layout->addLayout(top);
    layout->addWidget(m_whatIf);
    auto* bottom = new QVBoxLayout;
    bottom->setContentsMargins(10, 0, 10, 8);
    bottom->addWidget(runLabel);
    bottom->addWidget(m_runBox);
    layout->addLayout(bottom);
    layout->addStretch();

    auto* area = new QScrollArea(this);
    area->setWidget(panel);
    area->setWidgetResizable(true);
    area->setFrameShape(QFrame::NoFrame);
    area->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    area->setFixedWidth(qMax(panelWidth, panel->sizeHint().width() + 14));
    return area;
}

QWidget* SchedulesPage::buildHead()
{
    m_best->setObjectName(QStringLiteral("best"));
    m_best->setTextFormat(Qt::PlainText);
    m_best->setWordWrap(true);
    scaleFont(m_best, 1.15, true);
    m_notes->setForegroundRole(QPalette::PlaceholderText);
    m_notes->setTextFormat(Qt::PlainText);
    m_notes->setWordWrap(true);
    m_notes->setObjectName(QStringLiteral("notes"));
    m_runButton->setObjectName(QStringLiteral("runButton"));
    m_runButton->setDefault(true);
    connect(m_runButton, &QPushButton::clicked, m_runAction, &QAction::trigger);
    auto* head = new QWidget(this);
    auto* words = new QVBoxLayout;
    words->setSpacing(0);
    words->addWidget(m_best);
    words->addWidget(m_notes);
    auto* layout = new QHBoxLayout(head);
    layout->setContentsMargins(4, 2, 0, 2);
    layout->addLayout(words, 1);
    layout->addWidget(m_runButton);
    return head;
}

QWidget* SchedulesPage::buildTable()
{
    m_sorted->setSourceModel(m_model);
    m_sorted->setSortRole(StrategyTableModel::SortRole);
    m_table->setModel(m_sorted);
    m_table->setObjectName(QStringLiteral("strategies"));
    m_table->setAccessibleName(tr("Strategies"));
    dressTable(m_table);
    m_table->setSelectionMode(QAbstractItemView::SingleSelection);
    m_table->verticalHeader()->setDefaultSectionSize(m_table->fontMetrics().height() + 6);
    m_table->addActions({m_runAction, m_editAction, m_onlyAction});
    connect(m_table->selectionModel(), &QItemSelectionModel::currentRowChanged, this, &SchedulesPage::showHead);
    connect(m_table, &QTableView::doubleClicked, this, &SchedulesPage::showOnlySelected);
    return m_table;
}

QWidget* SchedulesPage::buildEditor()
{
    auto* box = new QWidget(this);
    auto* title = new QLabel(tr("Stages by hand"), box);
    scaleFont(title, 1, true);
    m_editorLine->setObjectName(QStringLiteral("byHand"));
    m_editorLine->setTextFormat(Qt::PlainText);
    auto* head = new QHBoxLayout;
    head->addWidget(title);
    head->addSpacing(12);
    head->addWidget(m_editorLine, 1);
    for (QAction* action : {m_undoAction, m_redoAction, m_bestAction})
        head->addWidget(buttonOf(action, box));
    auto* layout = new QVBoxLayout(box);
    layout->setContentsMargins(4, 2, 0, 4);
    layout->setSpacing(2);
    layout->addLayout(head);
    layout->addWidget(m_editor, 1);
    return box;
}

QAction* SchedulesPage::addAct(
    const char* name, const QString& text, const QString& statusTip, const QKeySequence& shortcut, void (SchedulesPage::*body)())
{
    auto* action = new QAction(text, this);
    action->setObjectName(QString::fromLatin1(name));
    action->setStatusTip(statusTip);
    action->setShortcut(shortcut);
    connect(action, &QAction::triggered, this, body);
    addAction(action);
    m_menu.push_back(action);
    return action;
}

void SchedulesPage::makeActions()
{
    QAction* measureAction = addAct("measure", tr("&Measure…"), tr("Measure block costs of a pair"),
        QKeySequence(Qt::CTRL | Qt::Key_M), &SchedulesPage::measure);
    m_empty->addAction(measureAction, true);
    addAct("refresh", tr("Re&fresh"), tr("Read the stored profiles again"), QKeySequence(Qt::Key_F5), &SchedulesPage::readProfiles);
    m_menu.push_back(nullptr);
    m_runAction = addAct("runSchedule", tr("&Run this schedule…"), tr("Start a run with the selected schedule"),
        QKeySequence(Qt::CTRL | Qt::Key_Return), &SchedulesPage::runSelected);
    m_editAction = addAct("editSchedule", tr("&Edit its stages by hand"), tr("Start from the stages of the selected strategy"),
        QKeySequence(Qt::Key_E), &SchedulesPage::editSelected);
    m_bestAction = addAct(
        "best", tr("&Best"), tr("Return to the stages found by search"), QKeySequence(Qt::Key_B), &SchedulesPage::takeBest);
    m_undoAction = m_undo.createUndoAction(this, tr("Undo"));
    m_redoAction = m_undo.createRedoAction(this, tr("Redo"));
    m_menu.push_back(nullptr);
    m_onlyAction = addAct("only", tr("Show its timeline &only"), tr("Show the timeline of the selected strategy, or all again"),
        QKeySequence(Qt::Key_O), &SchedulesPage::showOnlySelected);
    addAct("compareRuns", tr("&Compare measured runs"), tr("Compare the runs whose measured steps are in the table"), {},
        &SchedulesPage::compareRuns);
    m_menu.push_back(nullptr);
    addAct("exportTimelines", tr("E&xport the timelines…"), tr("Write the timelines as a picture, a table or a Chrome trace"), {},
        &SchedulesPage::exportTimelines);
    addAct("exportTable", tr("Export the &table…"), tr("Write the table of strategies as CSV"), {}, &SchedulesPage::exportTable);
}

std::vector<QAction*> SchedulesPage::menuActions() const
{
    return m_menu;
}

void SchedulesPage::restoreDefaultLayout()
{
    QHeaderView* header = m_table->horizontalHeader();
    const int character = m_table->fontMetrics().averageCharWidth();
    constexpr std::array<int, StrategyTableModel::ColumnCount> characters{
        21, 22, 10, 11, 9, 11, 9, 11, 8, 8, 8, 10, 15, 11, 10, 12, 11, 14, 9, 24};
    for (int column = 0; column < StrategyTableModel::ColumnCount; ++column) {
        header->moveSection(header->visualIndex(column), column);
        header->showSection(column);
        header->resizeSection(column, character * characters[static_cast<std::size_t>(column)] + 12);
    }
    m_table->sortByColumn(-1, Qt::AscendingOrder); // in the order of the plan
    m_rows->setSizes({196, 300, 124});
}

void SchedulesPage::saveState()
{
    m_settings.setState(QStringLiteral("schedulesHeader"), m_table->horizontalHeader()->saveState());
    m_settings.setState(QStringLiteral("schedulesRows"), m_rows->saveState());
    if (m_loaded)
        m_settings.setState(QStringLiteral("schedulesProfile"), QByteArray::fromStdString(m_loaded->stored.id));
}

void SchedulesPage::restoreState()
{
    const QByteArray header = m_settings.state(QStringLiteral("schedulesHeader"));
    const QByteArray rows = m_settings.state(QStringLiteral("schedulesRows"));
    const bool headerFits = header.isEmpty()
        || (m_table->horizontalHeader()->restoreState(header)
            && m_table->horizontalHeader()->count() == StrategyTableModel::ColumnCount);
    const bool rowsFit = rows.isEmpty() || m_rows->restoreState(rows);
    if (!headerFits || !rowsFit) {
        m_settings.reportDamage();
        restoreDefaultLayout();
    }
    m_wanted = QString::fromUtf8(m_settings.state(QStringLiteral("schedulesProfile")));
}

} // namespace pipebd::gui
