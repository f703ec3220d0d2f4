// The habits of the desktop: keys and their list, undo, recent files, drops, full screen, the status bar, versions and licences,
// large fonts, the dark, texts that can be translated.
#include <QTest>

#include "gui/about_dialog.h"
#include "gui/kit/settings.h"
#include "gui/lab/found_devices.h"
#include "gui/lab/page.h"
#include "gui/main_window.h"
#include "gui/shortcut_list.h"
#include "gui/start/start_dialog.h"
#include "gui_testing.h"

#include <QAction>
#include <QApplication>
#include <QComboBox>
#include <QDragEnterEvent>
#include <QGroupBox>
#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QMenuBar>
#include <QMimeData>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QRegularExpression>
#include <QSettings>
#include <QStatusBar>
#include <QTabBar>
#include <QToolButton>
#include <QTranslator>
#include <QTreeWidget>
#include <QUndoCommand>
#include <QUndoGroup>

namespace pipebd::gui {

class DesktopTest : public QObject {
    Q_OBJECT

private slots:
    void init()
    {
        failOnAnyWarning();
        qputenv("PIPEBD_PROGRAM", FAKE_PIPEBD);
    }
    void cleanup() { applyTheme(Theme::Light); }
    void everyKeyIsListedWhereItHolds();
    void noTwoActionsOfTheWindowHaveTheSameKey();
    void undoFollowsThePageInFront();
    void recentFilesAndLabsAreOffered();
    void aDroppedExperimentOpensTheStartDialog();
    void theWholeScreenCanBeUsed();
    void theCommandLineCanBeHidden();
    void theStatusBarNamesLabAndDevices();
    void versionsAndLicencesAreShown();
    void damagedLayoutsOfPagesGiveDefaults_data();
    void damagedLayoutsOfPagesGiveDefaults();
    void largeFontsCutNothing_data();
    void largeFontsCutNothing();
    void everyPageIsDarkInTheDark();
    void everyTextCanBeTranslated();
};

namespace {

struct Window {
    explicit Window(const std::filesystem::path& lab)
        : settings(folder.filePath("settings.ini"))
        , window(settings, lab)
    {
        window.show();
    }
    QTemporaryDir folder;
    Settings settings;
    MainWindow window;
};

const QStringList pageIds{"pairs", "profile", "schedules", "runs", "compare"};

// Encloses every text that is meant to be translated.
class Enclosing : public QTranslator {
public:
    QString translate(const char*, const char* text, const char*, int) const override
    {
        return QStringLiteral("⟦") + QString::fromUtf8(text) + QStringLiteral("⟧");
    }
    bool isEmpty() const override { return false; }
};

bool isWords(const QString& text)
{
    static const QRegularExpression word(QStringLiteral("[A-Za-z]{3,}"));
    return text.contains(word);
}

bool isTranslated(const QString& text)
{
    return !isWords(text) || text.contains(QStringLiteral("⟦"));
}

// What a person reads on `widget` and its children that does not come from files.
QStringList textsOf(const QWidget& widget)
{
    QStringList texts;
    for (const auto* label : widget.findChildren<QLabel*>())
        if (label->isVisible() && !(label->textInteractionFlags() & Qt::TextSelectableByMouse))
            texts << label->text();
    for (const auto* button : widget.findChildren<QAbstractButton*>())
        if (button->isVisible() && button->objectName() != QLatin1String("labButton")
            && !button->objectName().startsWith(QLatin1String("cuda")))
            texts << button->text() << button->toolTip();
    for (const auto* box : widget.findChildren<QGroupBox*>())
        if (box->isVisible())
            texts << box->title();
    for (const auto* bar : widget.findChildren<QTabBar*>())
        for (int tab = 0; tab < bar->count() && bar->isVisible(); ++tab)
            texts << bar->tabText(tab);
    for (const auto* action : widget.findChildren<QAction*>())
        if (!action->isSeparator())
            texts << action->text() << action->statusTip();
    for (const auto* edit : widget.findChildren<QLineEdit*>())
        if (edit->isVisible() && edit->objectName() != QLatin1String("name") && edit->objectName() != QLatin1String("devices"))
            texts << edit->placeholderText();
    for (const auto* any : widget.findChildren<QWidget*>())
        if (any->isVisible())
            texts << any->accessibleName();
    return texts;
}

} // namespace

void DesktopTest::everyKeyIsListedWhereItHolds()
{
    TestLab lab;
    lab.addFinishedRun("run", 5);
    Window window(lab.path());
    QTRY_VERIFY(window.window.isSettled());
    QVERIFY(QTest::qWaitForWindowActive(&window.window));
    for (const auto& [key, modifier] : {std::pair(Qt::Key_F1, Qt::NoModifier), std::pair(Qt::Key_Question, Qt::ShiftModifier)}) {
        QTest::keyClick(&window.window, key, modifier == Qt::ShiftModifier ? Qt::NoModifier : modifier);
        auto* list = window.window.findChild<ShortcutList*>();
        QVERIFY(list);
        const auto* tree = list->findChild<QTreeWidget*>();
        QStringList places;
        for (int i = 0; i < tree->topLevelItemCount(); ++i)
            places << tree->topLevelItem(i)->text(0);
        QVERIFY2(places.contains("File") && places.contains("View") && places.contains("Runs"), qPrintable(places.join(", ")));
        QVERIFY(!tree->findItems("Start a run", Qt::MatchExactly | Qt::MatchRecursive, 0).isEmpty());
        QVERIFY(!tree->findItems("Next instruction", Qt::MatchExactly | Qt::MatchRecursive, 0).isEmpty()); // of the timeline

        list->findChild<QLineEdit*>()->setText("f11");
        int shown = 0;
        for (const QTreeWidgetItem* item : tree->findItems("", Qt::MatchContains | Qt::MatchRecursive, 1))
            shown += item->parent() && !item->isHidden();
        QCOMPARE(shown, 1);
        delete list;
    }
}

void DesktopTest::noTwoActionsOfTheWindowHaveTheSameKey()
{
    TestLab lab;
    Window window(lab.path());
    const auto pageOf = [](const QObject* object) {
        while (object && !qobject_cast<const Page*>(object))
            object = object->parent();
        return object ? static_cast<const Page*>(object)->id() : QString(); // of the window itself
    };
    QMap<QString, QMap<QString, QString>> known; // by key, then page: those of another page are asleep
    for (const QAction* action : window.window.findChildren<QAction*>()) {
        if (action->shortcutContext() != Qt::WindowShortcut)
            continue;
        const QString page = pageOf(action);
        for (const QKeySequence& keys : action->shortcuts()) {
            QMap<QString, QString>& same = known[keys.toString()];
            const bool clash = page.isEmpty() ? !same.isEmpty() : same.contains(page) || same.contains({});
            QVERIFY2(!clash, qPrintable(keys.toString() + ": " + action->text() + ", " + same.values().join(", ")));
            same[page] = action->text();
        }
    }
    QVERIFY(known.size() > 15);
}

void DesktopTest::undoFollowsThePageInFront()
{
    TestLab lab;
    Window window(lab.path());
    QUndoStack stack;
    window.window.undoGroup()->addStack(&stack);
    window.window.undoGroup()->setActiveStack(&stack);
    QAction* undo = nullptr;
    for (QAction* action : window.window.findChildren<QAction*>())
        if (action->shortcut() == QKeySequence(QKeySequence::Undo))
            undo = action;
    QVERIFY(undo && !undo->isEnabled());
    stack.push(new QUndoCommand("tag"));
    QVERIFY(undo->isEnabled());
    QVERIFY(undo->text().contains("tag"));
    undo->trigger();
    QVERIFY(stack.canRedo());
    window.window.undoGroup()->setActiveStack(nullptr);
    QVERIFY(!undo->isEnabled());
}

void DesktopTest::recentFilesAndLabsAreOffered()
{
    TestLab lab;
    TestLab other;
    other.addFinishedRun("elsewhere", 5);
    Window window(lab.path());
    window.window.openLab(other.path());
    window.window.openLab(lab.path());
    auto* labs = window.window.findChild<QMenu*>("recentLabs");
    emit labs->aboutToShow();
    QCOMPARE(labs->actions().size(), 2);
    labs->actions().at(1)->trigger();
    QTRY_COMPARE(window.window.windowTitle().section(' ', 0, 0), QString("elsewhere"));

    auto* experiments = window.window.findChild<QMenu*>("recentExperiments");
    emit experiments->aboutToShow();
    QVERIFY(!experiments->actions().first()->isEnabled()); // none yet
    const QString file = lab.writeExperiment("a & b.toml", "pair = \"nas-digits\"\n");
    window.settings.addRecentExperiment(file);
    emit experiments->aboutToShow();
    experiments->actions().first()->trigger();
    auto* dialog = window.window.findChild<StartDialog*>();
    QVERIFY(dialog);
    QCOMPARE(dialog->request().file, file);
}

void DesktopTest::aDroppedExperimentOpensTheStartDialog()
{
    TestLab lab;
    Window window(lab.path());
    QMimeData data;
    data.setUrls({QUrl::fromLocalFile(lab.writeExperiment("dropped.toml", "pair = \"nas-digits\"\n"))});
    for (const QString& page : pageIds) {
        window.window.showPage(page);
        QDragEnterEvent enter({10, 10}, Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
        QApplication::sendEvent(&window.window, &enter);
        QVERIFY(enter.isAccepted());
        QDropEvent drop(QPointF(10, 10), Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
        QApplication::sendEvent(&window.window, &drop);
        auto* dialog = window.window.findChild<StartDialog*>();
        QVERIFY2(dialog, qPrintable(page));
        QVERIFY(dialog->request().file.endsWith("dropped.toml"));
        delete dialog;
    }
}

void DesktopTest::theWholeScreenCanBeUsed()
{
    TestLab lab;
    Window window(lab.path());
    QVERIFY(QTest::qWaitForWindowActive(&window.window));
    QTest::keyClick(&window.window, Qt::Key_F11);
    QVERIFY(window.window.isFullScreen());
    QTest::keyClick(&window.window, Qt::Key_F11);
    QVERIFY(!window.window.isFullScreen());
    QVERIFY(window.window.isVisible());
}

void DesktopTest::theCommandLineCanBeHidden()
{
    TestLab lab;
    lab.addFinishedRun("run", 5);
    Window window(lab.path());
    QTRY_VERIFY(window.window.isSettled());
    auto* strip = window.window.findChild<QWidget*>("commandStrip");
    QVERIFY(strip->isVisible());
    for (QAction* action : window.window.findChildren<QAction*>())
        if (action->text() == QLatin1String("&Command line"))
            action->trigger();
    QVERIFY(!strip->isVisible());
}

void DesktopTest::theStatusBarNamesLabAndDevices()
{
    TestLab lab;
    Window window(lab.path());
    auto* labButton = window.window.findChild<QToolButton*>("labButton");
    auto* devices = window.window.findChild<QToolButton*>("devicesButton");
    QVERIFY(labButton->toolTip().contains(QString::fromStdString(lab.path())));
    QVERIFY(devices->isVisible());
    const Watchdog watchdog;
    QTRY_COMPARE_WITH_TIMEOUT(devices->text(), QString("2 GPUs, 8 cores"), 10000);
    QVERIFY(devices->toolTip().contains("cuda:1: Some GPU"));
    QVERIFY2(watchdog.longestBlock() <= 100, qPrintable(QString::number(watchdog.longestBlock())));
}

void DesktopTest::versionsAndLicencesAreShown()
{
    FoundDevices devices;
    AboutDialog about(devices);
    about.show();
    auto* versions = about.findChild<QLabel*>("versions");
    QVERIFY(versions->text().contains(QString("Qt ") + qVersion()));
    devices.look("/nowhere");
    QTRY_VERIFY_WITH_TIMEOUT(versions->text().contains("LibTorch 2.11.0"), 10000);
    auto* parts = about.findChild<QListWidget*>("licensedParts");
    auto* text = about.findChild<QPlainTextEdit*>("licenceText");
    QVERIFY(parts->count() >= 12);
    for (int row = 0; row < parts->count(); ++row) {
        parts->setCurrentRow(row);
        QVERIFY2(text->toPlainText().size() > 60, qPrintable(parts->item(row)->text()));
    }
}

void DesktopTest::damagedLayoutsOfPagesGiveDefaults_data() // U5
{
    QTest::addColumn<QString>("key");
    for (const char* key : {"layout-pairs", "layout-profile", "layout-schedules", "layout-compare", "losses", "rows"})
        QTest::newRow(key) << key;
}

void DesktopTest::damagedLayoutsOfPagesGiveDefaults()
{
    QFETCH(QString, key);
    TestLab lab;
    const QTemporaryDir folder;
    QSettings(folder.filePath("settings.ini"), QSettings::IniFormat).setValue("state/" + key, QByteArray("rubbish"));
    Settings settings(folder.filePath("settings.ini"));
    MainWindow window(settings, lab.path());
    window.show();
    QVERIFY(window.statusBar()->currentMessage().contains("defaults"));
    for (const QString& page : pageIds) {
        window.showPage(page);
        QVERIFY(window.page(page)->isVisible());
    }
}

void DesktopTest::largeFontsCutNothing_data() // U5
{
    QTest::addColumn<QString>("page");
    for (const QString& page : pageIds + QStringList{"start"})
        QTest::newRow(qPrintable(page)) << page;
}

void DesktopTest::largeFontsCutNothing()
{
    QFETCH(QString, page);
    const QFont before = QApplication::font();
    QFont large = before;
    large.setPointSizeF(2 * before.pointSizeF());
    QApplication::setFont(large);
    const auto restore = qScopeGuard([&] { QApplication::setFont(before); });
    TestLab lab;
    lab.addFinishedRun("run", 20);
    Window window(lab.path());
    window.window.resize(1900, 1300);
    FoundDevices devices;
    StartDialog dialog(window.settings, lab.path(), devices);
    QWidget* looked = &window.window;
    if (page == "start") {
        dialog.setFile(lab.writeExperiment("good.toml", "pair = \"nas-digits\"\n[stage.finetune]\nepochs = 1\n"));
        dialog.show();
        QTRY_VERIFY_WITH_TIMEOUT(dialog.isRead() && devices.isKnown(), 10000);
        looked = &dialog;
    } else {
        window.window.showPage(page);
        QTRY_VERIFY(window.window.isSettled());
    }
    QCoreApplication::processEvents();
    for (const QWidget* widget : looked->findChildren<QWidget*>()) {
        const auto* label = qobject_cast<const QLabel*>(widget);
        const bool hasText = qobject_cast<const QAbstractButton*>(widget) || qobject_cast<const QLineEdit*>(widget)
            || (label && !label->wordWrap());
        const bool isOfQt = widget->objectName().startsWith(QLatin1String("qt_")) // part of a dock's title or a spin box
            || qobject_cast<const QComboBox*>(widget->parentWidget());
        if (!hasText || isOfQt || !widget->isVisible() || widget->window() != looked)
            continue;
        const QString name
            = QString("%1 %2 %3").arg(widget->metaObject()->className(), widget->objectName(), widget->accessibleName())
            + (label ? label->text() : QString());
        const QSize needed = widget->minimumSizeHint();
        QVERIFY2(widget->height() >= needed.height(), qPrintable(name));
        QVERIFY2(qobject_cast<const QLineEdit*>(widget) || widget->width() >= needed.width(), qPrintable(name));
    }
}

void DesktopTest::everyPageIsDarkInTheDark() // U5
{
    applyTheme(Theme::Dark);
    TestLab lab;
    lab.addFinishedRun("run", 20);
    Window window(lab.path());
    QTRY_VERIFY(window.window.isSettled());
    for (const QString& page : pageIds) {
        window.window.showPage(page);
        QTRY_VERIFY(window.window.isSettled());
        const QImage image = window.window.page(page)->grab().toImage();
        qint64 light = 0;
        qint64 looked = 0;
        for (int y = 0; y < image.height(); y += 3)
            for (int x = 0; x < image.width(); x += 3, ++looked)
                light += qGray(image.pixel(x, y)) > 128;
        QVERIFY2(light * 4 < looked, qPrintable(page));
    }
}

void DesktopTest::everyTextCanBeTranslated()
{
    Enclosing translator;
    QCoreApplication::installTranslator(&translator);
    const auto remove = qScopeGuard([&] { QCoreApplication::removeTranslator(&translator); });
    TestLab lab;
    lab.addFinishedRun("run", 20);
    Window window(lab.path());
    QTRY_VERIFY(window.window.isSettled());
    QStringList bad;
    const auto look = [&](const QString& where, const QWidget& widget) {
        for (const QString& text : textsOf(widget))
            if (!isTranslated(text))
                bad << where + ": " + text;
    };
    for (const QString& page : pageIds) {
        window.window.showPage(page);
        QTRY_VERIFY(window.window.isSettled());
        look(page, window.window);
    }
    StartDialog start(window.settings, lab.path(), *window.window.devices());
    start.show();
    look("start", start);
    AboutDialog about(*window.window.devices());
    about.show();
    look("about", about);
    bad.removeDuplicates();
    QVERIFY2(bad.isEmpty(), qPrintable(bad.join('\n')));
}

} // namespace pipebd::gui

QTEST_MAIN(pipebd::gui::DesktopTest)
#include "test_desktop.moc"
