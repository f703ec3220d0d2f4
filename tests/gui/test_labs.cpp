// Labs that cannot be written, and runs whose seals are broken, as they are shown.
#include "gui/main_window.h"
#include "gui/charts/metric_chart.h"
#include "gui/runs/run_list.h"
#include "gui/runs/run_page.h"
#include "gui/kit/settings.h"
#include "gui_testing.h"

#include <QAbstractItemModel>
#include <QFile>
#include <QLabel>
#include <QTableView>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

namespace pipebd::gui {

namespace {

bool writeLine(const char* file, const QByteArray& line)
{
    const int descriptor = ::open(file, O_WRONLY | O_CLOEXEC);
    const bool written = descriptor >= 0 && ::write(descriptor, line.constData(), line.size()) == line.size();
    ::close(descriptor);
    return written;
}

/// Mounts of this process alone, from here on; for root, too, and for whoever is not.
bool takeOwnMounts()
{
    const QByteArray user = QByteArray::number(::getuid());
    const QByteArray group = QByteArray::number(::getgid());
    return ::unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && writeLine("/proc/self/uid_map", "0 " + user + " 1")
        && writeLine("/proc/self/setgroups", "deny") && writeLine("/proc/self/gid_map", "0 " + group + " 1")
        && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

bool hasOwnMounts = false;

/// A folder that nobody can write as long as this lives.
class ReadOnly {
public:
    explicit ReadOnly(const std::filesystem::path& folder)
        : m_folder(folder)
        , m_bound(::mount(folder.c_str(), folder.c_str(), nullptr, MS_BIND, nullptr) == 0)
        , m_holds(m_bound && ::mount(nullptr, folder.c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) == 0)
    {
    }
    ~ReadOnly()
    {
        if (m_bound)
            ::umount2(m_folder.c_str(), MNT_DETACH);
    }
    ReadOnly(const ReadOnly&) = delete;

    bool holds() const { return m_holds && ::access(m_folder.c_str(), W_OK) != 0; }

private:
    std::filesystem::path m_folder;
    bool m_bound;
    bool m_holds;
};

bool shows(const MainWindow& window, const QString& text)
{
    for (const QLabel* label : window.centralWidget()->findChildren<QLabel*>())
        if (label->isVisible() && label->text().contains(text))
            return true;
    return false;
}

} // namespace

class LabsTest : public QObject {
    Q_OBJECT

public:
    static void initMain() { hasOwnMounts = takeOwnMounts(); } // before there are threads

private slots:
    void init()
    {
        failOnAnyWarning();
        QVERIFY(QFile::exists(m_settingsFolder.path()));
    }

    void aLabThatCannotBeWrittenIsShownWhole()
    {
        if (!hasOwnMounts)
            QSKIP("this machine lets nobody make mounts of their own (unshare), which the test needs");
        TestLab lab;
        const int finished = lab.addFinishedRun("finished", 30);
        const int failed = lab.addFailedRun("failed");
        const ReadOnly nobodyWrites(lab.path());
        QVERIFY(nobodyWrites.holds());

        Settings settings(m_settingsFolder.filePath("settings.ini"));
        MainWindow window(settings, lab.path());
        window.show();
        QTRY_VERIFY(window.isSettled());

        QCOMPARE(window.runPage()->runId(), std::optional(failed));
        QVERIFY(shows(window, "Rank 1 failed first"));
        QCOMPARE(window.runList()->view()->model()->rowCount(), 2);
        window.selectRun(finished);
        QTRY_VERIFY(window.isSettled());
        QVERIFY(shows(window, "97.33"));
        const auto& curves = window.findChild<MetricChart*>("lossChart")->curves();
        QCOMPARE(curves.at(store::Series{"loss", -1, 5})->points().size(), std::size_t(30));
        QVERIFY(!shows(window, "cannot be read"));
        QVERIFY(!shows(window, "damaged"));
    }

    void aBrokenSealIsToldWithTheRun()
    {
        TestLab lab;
        const int damaged = lab.addFinishedRun("damaged", 30);
        const int sound = lab.addFinishedRun("sound", 30);
        // A byte that SQLite makes no use of: all of the run can be read, and nothing but its seal tells.
        QFile database(QString::fromStdString((lab.lab().run(damaged).folder / "run.sqlite").string()));
        QVERIFY(database.open(QIODevice::ReadWrite) && database.seek(72) && database.write("x") == 1);
        database.close();

        Settings settings(m_settingsFolder.filePath("settings.ini"));
        MainWindow window(settings, lab.path());
        window.show();
        QTRY_VERIFY(window.isSettled());
        QCOMPARE(window.runPage()->runId(), std::optional(sound));
        window.selectRun(damaged);
        const QString told = QStringLiteral("run %1 is damaged").arg(damaged);
        QTRY_VERIFY(shows(window, told));
        QVERIFY(shows(window, "pipebd doctor --repair"));
        QVERIFY(shows(window, "97.33")); // what can be read is shown, too
        window.selectRun(sound);
        QTRY_VERIFY(window.isSettled());
        QVERIFY(!shows(window, told));
    }

private:
    QTemporaryDir m_settingsFolder;
};

} // namespace pipebd::gui

QTEST_MAIN(pipebd::gui::LabsTest)
#include "test_labs.moc"
