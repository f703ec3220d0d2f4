// U6: keys, mouse, wheel, menus and resizes at random, from a seed that is printed, at a window with a lab and a stand-in for
// pipebd.
//
// MONKEY_EVENTS: how many (a few hundred without), MONKEY_SEED: the same once more.
#include <QTest>

#include "gui/lab/page.h"
#include "gui/main_window.h"
#include "gui_testing.h"

#include <QApplication>
#include <QDesktopServices>
#include <QMenuBar>
#include <QPointer>
#include <QTimer>
#include <QWheelEvent>
#include <QWindow>

#include <random>

namespace pipebd::gui {

class MonkeyTest : public QObject {
    Q_OBJECT

private slots:
    void initTestCase();
    void cleanupTestCase() { QDesktopServices::unsetUrlHandler("file"); }
    void nothingThatAPersonDoesBreaksOrBlocksTheWindow();

public slots:
    void openNothing(const QUrl&) { }
};

namespace {

constexpr int eventsAtFirst = 250;

int number(const char* variable, int otherwise)
{
    bool isNumber = false;
    const int given = qEnvironmentVariableIntValue(variable, &isNumber);
    return isNumber ? given : otherwise;
}

class Monkey {
public:
    Monkey(MainWindow& window, unsigned seed)
        : m_window(window)
        , m_random(seed)
    {
        // Whoever waits in a loop of its own for an answer gets none.
        m_rescuer.setInterval(60);
        QObject::connect(&m_rescuer, &QTimer::timeout, [this] {
            if (m_done != std::exchange(m_doneBefore, m_done))
                return;
            if (QWidget* popup = QApplication::activePopupWidget())
                popup->close();
            else if (QWidget* dialog = QApplication::activeModalWidget())
                dialog->close();
        });
        m_rescuer.start();
    }

    void act()
    {
        if (!m_window.isVisible())
            m_window.show(); // it was closed
        QWindow* target = topmost();
        switch (below(12)) {
        case 0:
        case 1:
        case 2:
            press(target, key(), modifiers());
            break;
        case 3:
            press(target, Qt::Key_Tab, Qt::NoModifier);
            break;
        case 4:
        case 5:
        case 6:
            click(target, below(6) == 0 ? Qt::RightButton : Qt::LeftButton, modifiers());
            break;
        case 7:
            drag(target);
            break;
        case 8:
            wheel(*target);
            break;
        case 9:
            m_window.resize(500 + below(900), 400 + below(600));
            break;
        case 10:
            m_window.showPage(QStringList{"pairs", "profile", "schedules", "runs", "compare"}.at(below(5)));
            break;
        default:
            trigger();
        }
        QCoreApplication::processEvents();
        ++m_done;
        if (m_done % 25 == 0) // not for ever in the same dialog
            if (QWidget* dialog = QApplication::activeModalWidget())
                dialog->close();
    }

private:
    int below(int bound) { return std::uniform_int_distribution<int>(0, bound - 1)(m_random); }

    QWindow* topmost() const
    {
        if (const QWidget* popup = QApplication::activePopupWidget())
            return popup->windowHandle();
        if (const QWidget* dialog = QApplication::activeModalWidget())
            return dialog->windowHandle();
        return m_window.windowHandle();
    }

    QPoint place(const QWindow& target) { return {below(std::max(1, target.width())), below(std::max(1, target.height()))}; }

    Qt::Key key()
    {
        static constexpr std::array special{Qt::Key_Escape, Qt::Key_Return, Qt::Key_Space, Qt::Key_Left, Qt::Key_Right, Qt::Key_Up,
            Qt::Key_Down, Qt::Key_Home, Qt::Key_End, Qt::Key_PageDown, Qt::Key_Delete, Qt::Key_Backspace, Qt::Key_F1, Qt::Key_F2,
            Qt::Key_F11, Qt::Key_Plus, Qt::Key_Minus, Qt::Key_Comma, Qt::Key_Period, Qt::Key_Question};
        if (below(2) == 0)
            return special.at(static_cast<std::size_t>(below(static_cast<int>(special.size()))));
        return static_cast<Qt::Key>(Qt::Key_0 + below(Qt::Key_Z - Qt::Key_0 + 1));
    }

    Qt::KeyboardModifiers modifiers()
    {
        static constexpr std::array some{Qt::NoModifier, Qt::NoModifier, Qt::NoModifier, Qt::ShiftModifier, Qt::ControlModifier};
        return some.at(static_cast<std::size_t>(below(static_cast<int>(some.size()))));
    }

    // What is pressed may close its window, which is gone by the time of the release; keyPress() would go on with it, as it presses
    // the modifiers first.
    static void press(const QPointer<QWindow>& target, Qt::Key key, Qt::KeyboardModifiers modifiers)
    {
        QTest::simulateEvent(
            target, true, key, modifiers, QTest::keyToAscii(key) ? QString(QLatin1Char(QTest::keyToAscii(key))) : QString(), false);
        if (target)
            QTest::simulateEvent(target, false, key, modifiers, QString(), false);
    }

    void click(const QPointer<QWindow>& target, Qt::MouseButton button, Qt::KeyboardModifiers modifiers)
    {
        const QPoint at = place(*target);
        QTest::mousePress(target, button, modifiers, at);
        if (target)
            QTest::mouseRelease(target, button, modifiers, at);
    }

    void drag(const QPointer<QWindow>& target)
    {
        QTest::mousePress(target, Qt::LeftButton, modifiers(), place(*target));
        for (int i = 0; i < 3 && target; ++i)
            QTest::mouseMove(target, place(*target));
        if (target)
            QTest::mouseRelease(target, Qt::LeftButton, {}, place(*target));
    }

    void wheel(QWindow& target)
    {
        const QPoint at = place(target);
        QWheelEvent event(
            at, target.mapToGlobal(at), {}, {0, below(2) ? 120 : -120}, Qt::NoButton, modifiers(), Qt::NoScrollPhase, false);
        QCoreApplication::sendEvent(&target, &event);
    }

    void trigger()
    {
        QList<QAction*> all;
        for (QAction* action : m_window.findChildren<QAction*>())
            if (action->isEnabled() && !action->isSeparator() && !action->menu())
                all << action;
        if (!all.isEmpty() && !QApplication::activeModalWidget())
            all.at(below(static_cast<int>(all.size())))->trigger();
    }

    MainWindow& m_window;
    std::mt19937 m_random;
    QTimer m_rescuer;
    int m_done = 0;
    int m_doneBefore = -1;
};

} // namespace

void MonkeyTest::initTestCase()
{
    QCoreApplication::setAttribute(Qt::AA_DontUseNativeDialogs);
    QDesktopServices::setUrlHandler("file", this, "openNothing");
    QApplication::setQuitOnLastWindowClosed(false);
    qputenv("PIPEBD_PROGRAM", FAKE_PIPEBD);
    qputenv("FAKE_STEPS", "3");
}

void MonkeyTest::nothingThatAPersonDoesBreaksOrBlocksTheWindow()
{
    failOnAnyWarning();
    TestLab lab;
    qputenv("HOME", lab.path().string().c_str()); // what it saves
    for (const char* name : {"first", "second"})
        lab.addFinishedRun(name, 200);
    lab.addFailedRun("broken");
    const QTemporaryDir folder;
    Settings settings(folder.filePath("settings.ini"));
    MainWindow window(settings, lab.path());
    window.show();
    QTRY_VERIFY(window.isSettled());

    const int events = number("MONKEY_EVENTS", eventsAtFirst);
    const auto seed = static_cast<unsigned>(number("MONKEY_SEED", 20260301));
    qInfo("MONKEY_SEED=%u MONKEY_EVENTS=%d", seed, events);
    Monkey monkey(window, seed);
    const Watchdog watchdog;
    for (int i = 0; i < events; ++i)
        monkey.act();
    QVERIFY2(watchdog.longestBlock() <= 100, qPrintable(QString::number(watchdog.longestBlock())));
    QCOMPARE(lab.lab().check(), std::string("ok"));
}

} // namespace pipebd::gui

QTEST_MAIN(pipebd::gui::MonkeyTest)
#include "test_monkey.moc"
