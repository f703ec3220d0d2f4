#include "gui/profile/profile_page.h"

#include "base/file.h"
#include "gui/kit/error_text.h"
#include "gui/kit/icons.h"
#include "gui/kit/message_page.h"
#include "gui/kit/picture_export.h"
#include "gui/kit/settings.h"
#include "gui/kit/table_export.h"
#include "gui/profile/measure_dialog.h"
#include "gui/profile/profile_table.h"
#include "gui/profile/profile_view.h"
#include "store/lab.h"

#include <QAction>
#include <QEvent>
#include <QFile>
#include <QFileDialog>
#include <QFileInfo>
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

#include <algorithm>
#include <array>
#include <utility>

namespace pipebd::gui {

namespace {

constexpr int storedColumns = 8;

bool looksLikeProfile(const QString& file)
{
    constexpr qint64 start = 4096;
    QFile in(file);
    return QFileInfo(file).isFile() && in.open(QIODevice::ReadOnly) && in.read(start).contains("\"pipebd.profile/");
}

} // namespace

ProfilePage::ProfilePage(Settings& settings, QWidget* parent)
    : Page(QStringLiteral("profile"), tr("Pr&ofile"), parent)
    , m_settings(settings)
    , m_reading([this](ProfilesRead read) { take(std::move(read)); }, [this](const QString& error) { failed(error); })
    , m_change(
          [this](const QString& id) {
              if (!id.isEmpty()) {
                  m_wanted = id;
                  emit messagePosted(tr("The profile was stored."));
              }
              read();
              importNext();
          },
          [this](const QString& error) {
              warn(m_changing, error);
              read();
              importNext();
          })
    , m_stack(new QStackedWidget(this))
    , m_waiting(new MessagePage(tr("Reading the profiles…"), {}, m_stack))
    , m_empty(new MessagePage(tr("No profiles yet"),
          tr("A profile holds the cost of each block of a pair on a device; schedules are planned from it. Measure one here, or "
             "import "
             "one that was measured on another machine."),
          m_stack))
    , m_error(new MessagePage(tr("The profiles cannot be read"), {}, m_stack))
    , m_splitter(new QSplitter(m_stack))
    , m_filter(new QLineEdit(this))
    , m_table(new QTableView(this))
    , m_rows(new RowsModel(storedProfileColumns(), this))
    , m_filtered(new RowsFilter(m_rows))
    , m_count(new QLabel(this))
    , m_tools(new QToolBar(this))
    , m_view(new ProfileView(this))
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
    m_splitter->setObjectName(QStringLiteral("profileSplitter"));
    m_splitter->setChildrenCollapsible(false);
    m_splitter->setStretchFactor(0, 1);
    m_splitter->setStretchFactor(1, 2);
    for (QWidget* widget : std::initializer_list<QWidget*>{m_waiting, m_empty, m_error, m_splitter})
        m_stack->addWidget(widget);
    m_empty->addAction(m_measure, true);
    m_empty->addAction(m_import, false);
    m_error->addAction(m_refresh, true);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins({});
    layout->addWidget(m_stack);
    connect(m_view, &ProfileView::exportRequested, this, &ProfilePage::exportChart);
    restoreState();
    tintIcons();
    selectionChanged();
}

void ProfilePage::createActions()
{
    const auto make = [this](const char* name, const QString& text, const QString& tip, auto slot) {
        auto* action = new QAction(text, this);
        action->setObjectName(QLatin1String(name));
        action->setStatusTip(tip);
        connect(action, &QAction::triggered, this, slot);
        addAction(action);
        return action;
    };
    m_measure
        = make("measureProfile", tr("&Measure…"), tr("Measure block costs of a pair on devices"), [this] { openMeasureDialog(); });
    m_measure->setShortcut(QKeySequence(Qt::CTRL | Qt::Key_M));
    m_import
        = make("importProfile", tr("&Import…"), tr("Import a profile that was measured elsewhere"), &ProfilePage::chooseImport);
    m_import->setShortcut(QKeySequence(Qt::CTRL | Qt::Key_I));
    m_export = make("exportProfile", tr("&Export…"), tr("Write the selected profile as JSON, for use on other machines"),
        &ProfilePage::exportProfile);
    m_delete = make("deleteProfile", tr("&Delete…"), tr("Delete the selected profile"), &ProfilePage::askToDelete);
    m_plan = make("planProfile", tr("&Plan schedules"), tr("Compare strategies for the selected profile"),
        [this] { emit schedulesRequested(selectedProfile()); });
    m_exportTable = make(
        "exportFigures", tr("Export &table…"), tr("Write the figures of the shown profiles as CSV"), &ProfilePage::exportTable);
    for (ProfileChart* chart : m_view->charts())
        m_exportCharts.push_back(make("", tr("Export “%1”…").arg(chart->accessibleName()),
            tr("Write this chart as PNG, PDF or SVG"), [this, chart] { exportChart(chart); }));
    m_refresh = make("refreshProfiles", tr("&Refresh"), tr("Read the profiles of the lab again"), &ProfilePage::read);
    m_refresh->setShortcut(QKeySequence::Refresh);
    m_tools->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    m_tools->setIconSize({16, 16});
    m_tools->addAction(m_measure);
    m_tools->addSeparator();
    m_tools->addActions({m_import, m_export, m_delete});
    m_tools->addSeparator();
    m_tools->addAction(m_plan);
}

void ProfilePage::createTable()
{
    m_filter->setPlaceholderText(tr("Filter: pair, device, source…"));
    m_filter->setClearButtonEnabled(true);
    m_filter->setObjectName(QStringLiteral("profilesFilter"));
    m_filter->setAccessibleName(tr("Filter the profiles"));
    m_rows->setTickable(true);
    dressTable(m_table);
    m_table->setModel(m_filtered);
    m_table->setSelectionMode(QAbstractItemView::SingleSelection);
    m_table->setObjectName(QStringLiteral("profiles"));
    m_table->setAccessibleName(tr("Stored profiles; tick those to compare with the selected one"));
    m_count->setForegroundRole(QPalette::PlaceholderText);
    m_count->setContentsMargins(6, 0, 6, 4);
    connect(m_filter, &QLineEdit::textChanged, this, [this](const QString& words) {
        m_filtered->setWords(words);
        showStored();
    });
    connect(m_table->selectionModel(), &QItemSelectionModel::currentRowChanged, this, &ProfilePage::selectionChanged);
    connect(m_rows, &RowsModel::tickedChanged, this, &ProfilePage::showChosen);
}

std::vector<QAction*> ProfilePage::menuActions() const
{
    std::vector<QAction*> actions{m_measure, nullptr, m_import, m_export, m_delete, nullptr, m_plan, nullptr, m_exportTable};
    actions.insert(actions.end(), m_exportCharts.begin(), m_exportCharts.end());
    actions.insert(actions.end(), {nullptr, m_refresh});
    return actions;
}

void ProfilePage::openLab(const std::filesystem::path& lab)
{
    m_lab = lab;
    m_asked = false;
    m_wanted.clear();
    m_toImport.clear();
    m_read = {};
    m_reading.forget();
    m_change.forget();
    m_rows->setRows({});
    m_stack->setCurrentWidget(m_waiting);
    showChosen();
}

void ProfilePage::comeToFront()
{
    read();
}

bool ProfilePage::isSettled() const
{
    return m_asked && !m_reading.isBusy() && !m_change.isBusy();
}

void ProfilePage::settle()
{
    if (isSettled())
        emit settled();
}

void ProfilePage::read()
{
    m_asked = true;
    std::set<std::string> ids;
    for (const QString& id : m_rows->ticked() + QStringList{selectedProfile(), m_wanted})
        ids.insert(id.toStdString());
    m_reading.request([lab = m_lab, ids] { return readProfiles(lab, ids); });
}

void ProfilePage::take(ProfilesRead read)
{
    m_read = std::move(read);
    showStored();
    showChosen();
    settle();
}

void ProfilePage::failed(const QString& error)
{
    if (m_rows->rowCount() > 0) {
        emit messagePosted(error); // what is on the page stays there
    } else {
        m_error->setText(error);
        m_stack->setCurrentWidget(m_error);
    }
    settle();
}

void ProfilePage::showStored()
{
    std::vector<Row> rows;
    for (const store::StoredProfile& stored : m_read.stored)
        rows.push_back(rowOf(stored));
    m_rows->setRows(std::move(rows));
    m_stack->setCurrentWidget(m_read.stored.empty() ? static_cast<QWidget*>(m_empty) : m_splitter);
    if (!m_wanted.isEmpty() && m_rows->indexOf(m_wanted).isValid())
        selectProfile(std::exchange(m_wanted, {}));
    else if (!m_table->currentIndex().isValid() && m_filtered->rowCount() > 0)
        m_table->selectRow(0);
    const QLocale locale;
    const int all = m_rows->rowCount();
    const int shown = m_filtered->rowCount();
    m_count->setText(shown == all ? all == 1 ? tr("1 profile") : tr("%1 profiles").arg(locale.toString(all))
                                  : tr("%1 of %2 profiles match").arg(locale.toString(shown), locale.toString(all)));
}

void ProfilePage::selectionChanged()
{
    const bool any = !selectedProfile().isEmpty();
    for (QAction* action : {m_export, m_delete, m_plan, m_exportTable})
        action->setEnabled(any);
    for (QAction* action : m_exportCharts)
        action->setEnabled(any);
    showChosen();
    emit commandChanged();
}

// What is chosen and has been read; what has not is asked for.
void ProfilePage::showChosen()
{
    QStringList ids = m_rows->ticked();
    const QString selected = selectedProfile();
    ids.removeAll(selected);
    if (!selected.isEmpty())
        ids.prepend(selected);
    std::vector<ShownProfile> shown;
    QStringList problems;
    bool missing = false;
    for (const QString& id : std::as_const(ids)) {
        const auto loaded = m_read.loaded.find(id.toStdString());
        if (loaded != m_read.loaded.end())
            shown.push_back({*find(id), loaded->second});
        else if (const auto error = m_read.errors.find(id.toStdString()); error != m_read.errors.end())
            problems << error->second;
        else
            missing = true;
    }
    if (missing)
        read();
    else
        m_view->setProfiles(std::move(shown), problems.join(QLatin1Char('\n')));
}

const store::StoredProfile* ProfilePage::find(const QString& id) const
{
    const auto found = std::find_if(m_read.stored.begin(), m_read.stored.end(),
        [&](const store::StoredProfile& stored) { return stored.id == id.toStdString(); });
    return found == m_read.stored.end() ? nullptr : &*found;
}

QString ProfilePage::selectedProfile() const
{
    return m_table->currentIndex().data(RowsModel::IdRole).toString();
}

void ProfilePage::selectProfile(const QString& id)
{
    const QModelIndex source = m_rows->indexOf(id);
    if (!source.isValid()) {
        m_wanted = id;
        if (m_asked)
            read();
        return;
    }
    if (!m_filtered->mapFromSource(source).isValid())
        m_filter->clear(); // what is asked for is shown, whatever the filter says
    const QModelIndex index = m_filtered->mapFromSource(source);
    m_table->selectionModel()->setCurrentIndex(index, QItemSelectionModel::ClearAndSelect | QItemSelectionModel::Rows);
    m_table->scrollTo(index);
}

QStringList ProfilePage::command() const
{
    const QString id = selectedProfile();
    QStringList words{QStringLiteral("pipebd"), QStringLiteral("profiles")};
    if (id.isEmpty())
        words << QStringLiteral("list");
    else
        words << QStringLiteral("show") << id;
    return words;
}

void ProfilePage::openMeasureDialog(const QString& pair)
{
    auto* dialog = new MeasureDialog(m_settings, toQString(m_lab), this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    if (!pair.isEmpty())
        dialog->setPair(pair);
    else if (const store::StoredProfile* selected = find(selectedProfile()))
        dialog->setPair(QString::fromStdString(selected->key.pair));
    connect(dialog, &MeasureDialog::measured, this, [this](const QString& id) {
        emit messagePosted(tr("The profile was stored."));
        m_wanted = id;
        read();
    });
    dialog->open();
}

bool ProfilePage::openFile(const QString& file)
{
    if (!looksLikeProfile(file))
        return false;
    m_toImport << file;
    importNext();
    return true;
}

void ProfilePage::chooseImport()
{
    const QStringList files = QFileDialog::getOpenFileNames(
        this, tr("Import profiles"), m_settings.folder(QStringLiteral("profiles")), tr("Profiles (*.json);;All files (*)"));
    if (files.isEmpty())
        return;
    m_settings.setFolder(QStringLiteral("profiles"), QFileInfo(files.constFirst()).absolutePath());
    m_toImport << files;
    importNext();
}

void ProfilePage::importNext()
{
    if (m_change.isBusy() || m_toImport.isEmpty())
        return;
    const QString file = m_toImport.takeFirst();
    m_changing = tr("The profile was not imported");
    m_change.request([lab = m_lab, file] {
        const std::filesystem::path path = toPath(file);
        const schedule::Profile profile = schedule::profile_from_json(read_file(path), path.string());
        return QString::fromStdString(store::Lab(lab).import_profile(profile, QFileInfo(file).fileName().toStdString()).id);
    });
}

void ProfilePage::askToDelete()
{
    const QString id = selectedProfile();
    const store::StoredProfile* stored = find(id);
    if (!stored)
        return;
    auto* question = new QMessageBox(QMessageBox::Question, tr("Delete a profile"),
        tr("Delete the profile of %1 on %2?").arg(QString::fromStdString(stored->key.pair), labelOf(*stored)),
        QMessageBox::Yes | QMessageBox::No, this);
    question->setObjectName(QStringLiteral("deleteQuestion"));
    question->setTextFormat(Qt::PlainText);
    question->setInformativeText(isImported(stored->key)
            ? tr("You can import it again from its file.")
            : tr("To get it back you would have to measure again. Runs keep their own copy."));
    question->button(QMessageBox::Yes)->setText(tr("&Delete"));
    question->button(QMessageBox::No)->setText(tr("&Keep"));
    question->setDefaultButton(QMessageBox::No);
    question->setAttribute(Qt::WA_DeleteOnClose);
    connect(question, &QMessageBox::finished, this, [this, id](int answer) {
        if (answer != QMessageBox::Yes)
            return;
        m_changing = tr("The profile was not deleted");
        m_change.request([lab = m_lab, id] {
            store::Lab(lab).delete_profile(id.toStdString());
            return QString();
        });
    });
    question->open();
}

std::shared_ptr<const schedule::Profile> ProfilePage::selectedFigures() const
{
    const auto loaded = m_read.loaded.find(selectedProfile().toStdString());
    return loaded == m_read.loaded.end() ? nullptr : loaded->second;
}

void ProfilePage::exportProfile()
{
    const std::shared_ptr<const schedule::Profile> profile = selectedFigures();
    if (!profile)
        return;
    const QString name = QStringLiteral("%1-%2").arg(QString::fromStdString(profile->pair), selectedProfile());
    exportInteractively(this, tr("Export a profile"), name, {{tr("Profile"), QStringLiteral("json")}}, m_settings,
        [profile](const QString& file) { writeFile(file, QByteArray::fromStdString(schedule::to_json(*profile)) + '\n'); });
}

void ProfilePage::exportTable()
{
    exportInteractively(this, tr("Export the figures"), tr("profiles"), {{tr("CSV table"), QStringLiteral("csv")}}, m_settings,
        [this](const QString& file) { writeFile(file, tableAsCsv(*m_view->figures())); });
}

void ProfilePage::exportChart(ProfileChart* chart)
{
    exportInteractively(this, tr("Export “%1”").arg(chart->accessibleName()), chart->accessibleName(), pictureTypes(), m_settings,
        [chart](const QString& file) { writePicture(pictureOf(*chart, chart->title()), file); });
}

void ProfilePage::warn(const QString& title, const QString& error)
{
    auto* box = new QMessageBox(QMessageBox::Warning, title, error, QMessageBox::Ok, this);
    box->setObjectName(QStringLiteral("profileWarning"));
    box->setTextFormat(Qt::PlainText);
    box->setAttribute(Qt::WA_DeleteOnClose);
    box->open();
}

void ProfilePage::saveState()
{
    m_settings.setState(QStringLiteral("profilesHeader"), m_table->horizontalHeader()->saveState());
    m_settings.setState(QStringLiteral("profileSplitter"), m_splitter->saveState());
    m_view->saveState(m_settings);
}

void ProfilePage::restoreState()
{
    restoreDefaultLayout();
    const QByteArray header = m_settings.state(QStringLiteral("profilesHeader"));
    const QByteArray splitter = m_settings.state(QStringLiteral("profileSplitter"));
    const bool headerFits = header.isEmpty()
        || (m_table->horizontalHeader()->restoreState(header) && m_table->horizontalHeader()->count() == storedColumns);
    if (headerFits && (splitter.isEmpty() || m_splitter->restoreState(splitter)) && m_view->restoreState(m_settings))
        return;
    m_settings.reportDamage();
    restoreDefaultLayout();
}

void ProfilePage::restoreDefaultLayout()
{
    QHeaderView* header = m_table->horizontalHeader();
    const int character = m_table->fontMetrics().averageCharWidth();
    const std::array<int, storedColumns> characters{20, 22, 6, 11, 8, 15, 20, 9};
    for (int column = 0; column < storedColumns; ++column) {
        header->moveSection(header->visualIndex(column), column);
        header->showSection(column);
        header->resizeSection(column, character * characters[static_cast<std::size_t>(column)] + 14);
    }
    header->setSortIndicator(-1, Qt::AscendingOrder); // as the lab lists them
    m_filtered->sort(-1);
    m_splitter->setSizes({400, 880});
    m_view->restoreDefaultLayout();
}

void ProfilePage::changeEvent(QEvent* event)
{
    Page::changeEvent(event);
    if (event->type() == QEvent::PaletteChange)
        tintIcons();
}

void ProfilePage::tintIcons()
{
    const QColor colour = palette().color(QPalette::ButtonText);
    m_measure->setIcon(tintedIcon(QStringLiteral("start"), colour));
    m_import->setIcon(tintedIcon(QStringLiteral("open"), colour));
    for (QAction* action : m_exportCharts)
        action->setIcon(tintedIcon(QStringLiteral("export"), colour));
    for (QAction* action : {m_export, m_exportTable})
        action->setIcon(tintedIcon(QStringLiteral("export"), colour));
}

} // namespace pipebd::gui
