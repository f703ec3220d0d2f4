// Temporary folders are gone with their scope, and those of killed processes with the next one.
#include "base/temporary_folder.h"

#include <QTemporaryDir>
#include <QTest>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

using namespace pipebd;

namespace fs = std::filesystem;

class TestTemporaryFolder : public QObject {
    Q_OBJECT

    QTemporaryDir m_parent;

    fs::path make(const char* name, bool was_in_use) const
    {
        const fs::path folder = fs::path(m_parent.path().toStdString()) / name;
        fs::create_directories(folder / "inside");
        if (was_in_use)
            std::ofstream(folder / ".in-use") << "";
        return folder;
    }

private Q_SLOTS:
    void initTestCase() { qputenv("TMPDIR", m_parent.path().toLocal8Bit()); }

    void itIsGoneWithItsScope()
    {
        fs::path path;
        {
            const TemporaryFolder folder;
            path = folder.path();
            std::ofstream(path / "file") << "text";
            QVERIFY(fs::exists(path / "file"));
        }
        QVERIFY(!fs::exists(path));
    }

    void whatAKilledProcessHasLeftIsRemovedAndNothingElse()
    {
        const fs::path left = make("pipebd-kIllEd", true);
        const fs::path in_use = make("pipebd-inUse1", true);
        const fs::path unknown = make("pipebd-other1", false);
        const fs::path other_name = make("pipebd-longer-name", true);
        const int lock = open((in_use / ".in-use").c_str(), O_RDWR | O_CLOEXEC);
        QVERIFY(lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) == 0);

        const TemporaryFolder first;
        const TemporaryFolder second;

        QVERIFY(!fs::exists(left));
        for (const fs::path& kept : {in_use, unknown, other_name, first.path(), second.path()})
            QVERIFY2(fs::exists(kept), kept.c_str());
        close(lock);
    }
};

QTEST_GUILESS_MAIN(TestTemporaryFolder)
#include "test_temporary_folder.moc"
