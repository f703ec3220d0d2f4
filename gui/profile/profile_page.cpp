#include "gui/profile/profile_page.h"

#include "base/file.h"
#include "gui/kit/error_text.h"
#include "gui/kit/file_dialogs.h"
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
#include <QFile>
#include <QFileDialog>
#include <QFileInfo>
#include <QLocale>
#include <QToolBar>

#include <algorithm>
#include <utility>

namespace pipebd::gui {

namespace {

bool looksLikeProfile(const QString& file)
{
    constexpr qint64 start = 4096;
    QFile in(file);
    return QFileInfo(file).isFile() && in.open(QIODevice::ReadOnly) && in.read(start).contains("\"pipebd.profile/");
}

ListLook profilesLook()
{
    return {.id = QStringLiteral("profile"),
        .title = ProfilePage::tr("Pr&ofile"),
        .table = QStringLiteral("profiles"),
        .tableName = ProfilePage::tr("Stored profiles; tick those to show beside the selected one"),
        .filterName = ProfilePage::tr("Filter the profiles"),
        .filterHint = ProfilePage::tr("Filter: pair, device, source…"),
        .waiting = ProfilePage::tr("Reading the profiles…"),
        .failed = ProfilePage::tr("The profiles cannot be read"),
        .columns = storedProfileColumns(),
        .widths = {20, 22, 6, 11, 8, 15, 20, 9},
        .sizes = {400, 880}};
}

} // namespace

ProfilePage::ProfilePage(Settings& settings, QWidget* parent)
    : ListPage(settings, profilesLook(), parent)
    , m_reading([this](ProfilesRead read) { take(std::move(read)); }, [this](const QString& error) { failed(error); })
    , m_change(
          [this](const QString& id) {
              if (!id.isEmpty()) {
                  want(id);
                  emit messagePosted(tr("The profile is stored."));
              }
              read();
              importNext();
          },
          [this](const QString& error) {
              tellFailure(this, m_changing, error, QStringLiteral("profileWarning"));
              read();
              importNext();
          })
    , m_empty(addMessage(tr("No profiles yet"),
          tr("A profile says what each block of a pair costs on a device: schedules are planned from it. Measure one here, or "
             "import "
             "one that was measured on another machine.")))
    , m_view(new ProfileView(this))
{
    createActions();
    setDetails(m_view);
    setRetry(m_refresh);
    m_empty->addAction(m_measure, true);
    m_empty->addAction(m_import, false);
    rows()->setTickable(true);
    connect(rows(), &RowsModel::tickedChanged, this, &ProfilePage::showChosen);
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
    m_measure = make("measureProfile", tr("&Measure…"), tr("Measure what the blocks of a pair cost on devices"),
        [this] { openMeasureDialog(); });
    m_measure->setShortcut(QKeySequence(Qt::CTRL | Qt::Key_M));
    m_import = make(
        "importProfile", tr("&Import…"), tr("Take a profile that was measured elsewhere into the lab"), &ProfilePage::chooseImport);
    m_import->setShortcut(QKeySequence(Qt::CTRL | Qt::Key_I));
    m_export = make(
        "exportProfile", tr("&Export…"), tr("Write the selected profile as JSON, for other machines"), &ProfilePage::exportProfile);
    m_delete = make("deleteProfile", tr("&Delete…"), tr("Delete the selected profile"), &ProfilePage::deleteSelected);
    m_plan = make("planProfile", tr("&Plan schedules"), tr("Compare strategies for the selected profile"),
        [this] { emit schedulesRequested(selectedProfile()); });
    m_exportTable = make(
        "exportFigures", tr("Export &table…"), tr("Write the figures of the profiles shown as CSV"), &ProfilePage::exportTable);
    for (ProfileChart* chart : m_view->charts())
        m_exportCharts.push_back(make("", tr("Export “%1”…").arg(chart->accessibleName()),
            tr("Write this chart as PNG, PDF or SVG"), [this, chart] { exportChart(chart); }));
    m_refresh = make("refreshProfiles", tr("&Refresh"), tr("Read the profiles of the lab again"), &ProfilePage::read);
    m_refresh->setShortcut(QKeySequence::Refresh);
    tools()->addAction(m_measure);
    tools()->addSeparator();
    tools()->addActions({m_import, m_export, m_delete});
    tools()->addSeparator();
    tools()->addAction(m_plan);
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
    m_asked = false;
    m_toImport.clear();
    m_read = {};
    m_reading.forget();
    m_change.forget();
    ListPage::openLab(lab);
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
    for (const QString& id : rows()->ticked() + QStringList{selectedProfile(), wanted()})
        ids.insert(id.toStdString());
    m_reading.request([lab = lab(), ids] { return readProfiles(lab, ids); });
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
    showError(error);
    settle();
}

void ProfilePage::showStored()
{
    if (m_read.stored.empty())
        showMessage(m_empty);
    else
        showList();
    std::vector<Row> rows;
    for (const store::StoredProfile& stored : m_read.stored)
        rows.push_back(rowOf(stored));
    setRows(std::move(rows));
}

QString ProfilePage::countOf(int shown, int all) const
{
    const QLocale locale;
    return shown == all ? all == 1 ? tr("1 profile") : tr("%1 profiles").arg(locale.toString(all))
                        : tr("%1 of %2 profiles match").arg(locale.toString(shown), locale.toString(all));
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
    QStringList ids = rows()->ticked();
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

void ProfilePage::selectProfile(const QString& id)
{
    if (!select(id) && m_asked)
        read();
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
    auto* dialog = new MeasureDialog(settings(), toQString(lab()), this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    if (!pair.isEmpty())
        dialog->setPair(pair);
    else if (const store::StoredProfile* selected = find(selectedProfile()))
        dialog->setPair(QString::fromStdString(selected->key.pair));
    connect(dialog, &MeasureDialog::measured, this, [this](const QString& id) {
        emit messagePosted(tr("The profile is stored."));
        want(id);
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
        this, tr("Import profiles"), settings().folder(QStringLiteral("profiles")), tr("Profiles (*.json);;All files (*)"));
    if (files.isEmpty())
        return;
    settings().setFolder(QStringLiteral("profiles"), QFileInfo(files.constFirst()).absolutePath());
    m_toImport << files;
    importNext();
}

void ProfilePage::importNext()
{
    if (m_change.isBusy() || m_toImport.isEmpty())
        return;
    const QString file = m_toImport.takeFirst();
    m_changing = tr("The profile was not imported");
    m_change.request([lab = lab(), file] {
        const std::filesystem::path path = toPath(file);
        const schedule::Profile profile = schedule::profile_from_json(read_file(path), path.string());
        return QString::fromStdString(store::Lab(lab).import_profile(profile, QFileInfo(file).fileName().toStdString()).id);
    });
}

void ProfilePage::deleteSelected()
{
    const QString id = selectedProfile();
    const store::StoredProfile* stored = find(id);
    if (!stored)
        return;
    askToDelete(tr("Delete a profile"),
        tr("Delete the profile of %1 on %2?").arg(QString::fromStdString(stored->key.pair), labelOf(*stored)),
        isImported(stored->key) ? tr("It can be imported again from its file.")
                                : tr("It takes a new measurement to have it again; runs keep their own copy."),
        [this, id] {
            m_changing = tr("The profile was not deleted");
            m_change.request([lab = lab(), id] {
                store::Lab(lab).delete_profile(id.toStdString());
                return QString();
            });
        });
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
    exportInteractively(this, tr("Export a profile"), name, {{tr("Profile"), QStringLiteral("json")}}, settings(),
        [profile](const QString& file) { writeFile(file, QByteArray::fromStdString(schedule::to_json(*profile)) + '\n'); });
}

void ProfilePage::exportTable()
{
    exportInteractively(this, tr("Export the figures"), tr("profiles"), {{tr("CSV table"), QStringLiteral("csv")}}, settings(),
        [this](const QString& file) { writeFile(file, tableAsCsv(*m_view->figures())); });
}

void ProfilePage::exportChart(ProfileChart* chart)
{
    exportInteractively(this, tr("Export “%1”").arg(chart->accessibleName()), chart->accessibleName(), pictureTypes(), settings(),
        [chart](const QString& file) { writePicture(pictureOf(*chart, chart->title()), file); });
}

void ProfilePage::saveState()
{
    ListPage::saveState();
    m_view->saveState(settings());
}

bool ProfilePage::restoreDetails()
{
    return m_view->restoreState(settings());
}

void ProfilePage::restoreDefaultLayout()
{
    ListPage::restoreDefaultLayout();
    m_view->restoreDefaultLayout();
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
