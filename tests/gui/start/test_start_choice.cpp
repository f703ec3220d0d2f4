#include "gui/start/start_choice.h"

#include <QDir>
#include <QTemporaryDir>
#include <QTest>

namespace pipebd::gui {

class StartChoiceTest : public QObject {
    Q_OBJECT

private slots:
    void nothingCanBeStartedBeforeItIsRead();
    void onlyWhatFilesAgreeToCanBeStarted_data();
    void onlyWhatFilesAgreeToCanBeStarted();
    void anotherFileHasToBeReadFirst();
    void whatPipebdRefusesCannotBeStartedUntilItIsChanged();
    void startWaitsForWhatIsBeingRead();
    void aStartThatWaitsIsForgottenWhenSomethingIsTyped();
    void aStartThatWaitsForSomethingUnusableIsForgotten();
    void whatIsTypedBecomesTheRequest();
    void emptyFieldsAskForNothing();
    void aProfileThatIsNoFileIsAnId();
    void aRunIsGoneOnFromWithoutAFile();
    void aRequestsWishesCountUntilTheListsAreFilled();
    void stagesByHandAreKeptUntilTheyAreLeftOut();
    void aRequestsSettingsGoToTheirFields();
    void stagesAreOfferedWhereThereIsAChoice();
    void partsOfStagesFollowOneAnother();
};

namespace {

StartFields fieldsOf(const QString& file)
{
    StartFields fields;
    fields.file = file;
    fields.lengthKey = "train.epochs";
    return fields;
}

StartReading readable()
{
    StartReading reading;
    reading.asInFile.emplace();
    reading.resolved.emplace();
    return reading;
}

StartChoice readChoice(const StartFields& fields)
{
    StartChoice choice;
    choice.fileChanged();
    choice.fieldChanged();
    choice.read(readable(), fields);
    choice.listsFilled();
    return choice;
}

const StartFields typed = fieldsOf("/a/digits.toml");

} // namespace

void StartChoiceTest::nothingCanBeStartedBeforeItIsRead()
{
    StartChoice choice;
    QVERIFY(!choice.isNamed(fieldsOf({})));
    QVERIFY(choice.isNamed(typed));
    QVERIFY(choice.isNewFile());
    QVERIFY(!choice.canStart() && !choice.start(false));
    choice.read(readable(), typed);
    QVERIFY(choice.canStart() && choice.start(false));
}

void StartChoiceTest::onlyWhatFilesAgreeToCanBeStarted_data()
{
    QTest::addColumn<QString>("file");
    QTest::addColumn<bool>("resolved");
    QTest::addColumn<QString>("problem");
    QTest::addColumn<bool>("usable");
    QTest::newRow("all is well") << "/a.toml" << true << "" << true;
    QTest::newRow("no file") << "" << true << "" << false;
    QTest::newRow("cannot be resolved") << "/a.toml" << false << "" << false;
    QTest::newRow("a problem") << "/a.toml" << true << "no such pair" << false;
}

void StartChoiceTest::onlyWhatFilesAgreeToCanBeStarted()
{
    QFETCH(QString, file);
    QFETCH(bool, resolved);
    QFETCH(QString, problem);
    QFETCH(bool, usable);
    StartReading reading = readable();
    if (!resolved)
        reading.resolved.reset();
    reading.problem = problem;
    StartChoice choice;
    choice.read(reading, fieldsOf(file));
    QCOMPARE(choice.isUsable(), usable);
    QCOMPARE(choice.canStart(), usable);
}

void StartChoiceTest::anotherFileHasToBeReadFirst()
{
    StartChoice choice = readChoice(typed);
    QVERIFY(!choice.isNewFile());
    choice.fileChanged();
    choice.fieldChanged();
    QVERIFY(choice.isNewFile());
    QVERIFY(!choice.canStart());
}

void StartChoiceTest::whatPipebdRefusesCannotBeStartedUntilItIsChanged()
{
    StartChoice choice = readChoice(typed);
    choice.refuse();
    QVERIFY(choice.isUsable()); // its files are as they were
    QVERIFY(!choice.canStart());
    QVERIFY(!choice.start(false));
    QVERIFY(!choice.start(true) && !choice.startsOnceRead());

    choice.fieldChanged();
    QVERIFY(choice.canStart());
    QVERIFY(choice.start(false));
}

void StartChoiceTest::startWaitsForWhatIsBeingRead()
{
    StartChoice choice = readChoice(typed);
    QVERIFY(!choice.startsOnceRead()); // not pressed
    QVERIFY(!choice.start(true));
    choice.read(readable(), typed);
    QVERIFY(choice.startsOnceRead());
    QVERIFY(!choice.startsOnceRead()); // once
}

void StartChoiceTest::aStartThatWaitsIsForgottenWhenSomethingIsTyped()
{
    StartChoice choice = readChoice(typed);
    choice.start(true);
    choice.fieldChanged();
    choice.read(readable(), typed);
    QVERIFY(!choice.startsOnceRead());
}

void StartChoiceTest::aStartThatWaitsForSomethingUnusableIsForgotten()
{
    StartChoice choice = readChoice(typed);
    choice.start(true);
    StartReading bad = readable();
    bad.problem = "no such pair";
    choice.read(bad, typed);
    QVERIFY(!choice.startsOnceRead());
    choice.read(readable(), typed);
    QVERIFY(!choice.startsOnceRead());
}

void StartChoiceTest::whatIsTypedBecomesTheRequest()
{
    StartFields fields = fieldsOf("digits.toml");
    fields.name = " first ";
    fields.strategy = "tr+dpu";
    fields.devices = " cpu,cpu ";
    fields.lengthKey = "train.steps";
    fields.length = " 20 ";
    fields.profile = " p-1 ";
    fields.stage = "distil,finetune";
    fields.from = "7";
    fields.checkpoint = "best";
    fields.others = QStringList{"data.batch=32"};

    StartRequest wanted;
    wanted.file = QDir::currentPath() + "/digits.toml"; // pipebd works elsewhere
    wanted.strategy = "tr+dpu";
    wanted.devices = "cpu,cpu";
    wanted.settings = QStringList{"data.batch=32", "name=first", "train.steps=20"};
    wanted.profile = "p-1";
    wanted.stage = "distil,finetune";
    wanted.from = 7;
    wanted.checkpoint = "best";
    QVERIFY(readChoice(fields).request(fields) == wanted);
}

void StartChoiceTest::emptyFieldsAskForNothing()
{
    StartFields fields = typed;
    fields.name = fields.length = fields.devices = "  ";
    StartRequest wanted;
    wanted.file = typed.file;
    QVERIFY(readChoice(fields).request(fields) == wanted);
}

void StartChoiceTest::aProfileThatIsNoFileIsAnId()
{
    const QTemporaryDir folder;
    QFile file(folder.filePath("profile.json"));
    QVERIFY(file.open(QIODevice::WriteOnly));
    StartFields fields = typed;
    fields.profile = QDir::current().relativeFilePath(file.fileName());
    QCOMPARE(StartChoice().request(fields).profile, file.fileName());
    fields.profile = folder.path(); // a folder is no profile
    QCOMPARE(StartChoice().request(fields).profile, folder.path());
    fields.profile = "profile-12";
    QCOMPARE(StartChoice().request(fields).profile, QString("profile-12"));
}

void StartChoiceTest::aRunIsGoneOnFromWithoutAFile()
{
    StartRequest asked;
    asked.resume = 3;
    StartChoice choice;
    choice.take(asked);
    QVERIFY(choice.isNamed(fieldsOf({})));
    choice.read(readable(), fieldsOf({}));
    QVERIFY(choice.canStart());
    QCOMPARE(choice.request(fieldsOf({})).resume, 3);
    QCOMPARE(choice.request(fieldsOf({})).file, QString());
}

void StartChoiceTest::aRequestsWishesCountUntilTheListsAreFilled()
{
    StartRequest asked;
    asked.stage = "finetune";
    asked.checkpoint = "best";
    StartChoice choice;
    choice.take(asked);
    StartFields fields = typed;
    fields.stage = "distil"; // of the lists of the file before
    fields.checkpoint = "round-000000120";
    QCOMPARE(choice.request(fields).stage, QString("finetune"));
    QCOMPARE(choice.request(fields).checkpoint, QString("best"));
    choice.listsFilled();
    QCOMPARE(choice.request(fields).stage, QString("distil"));
    QCOMPARE(choice.request(fields).checkpoint, QString("round-000000120"));
    choice.fileChanged();
    QCOMPARE(choice.request(fields).stage, QString("finetune"));
}

void StartChoiceTest::stagesByHandAreKeptUntilTheyAreLeftOut()
{
    StartRequest asked;
    asked.settings = QStringList{"run.stages=0-1@0;2@1"};
    StartChoice choice;
    QCOMPARE(choice.take(asked).others, QStringList());
    QCOMPARE(choice.placement(), QString("0-1@0;2@1"));
    QCOMPARE(choice.request(typed).settings, asked.settings);
    choice.leaveOutPlacement();
    QCOMPARE(choice.request(typed).settings, QStringList());
}

void StartChoiceTest::aRequestsSettingsGoToTheirFields()
{
    StartRequest asked;
    asked.settings = QStringList{"data.batch=32", "name=a=b", "train.steps=20"};
    const StartFields fields = StartChoice().take(asked);
    QCOMPARE(fields.name, QString("a=b"));
    QCOMPARE(fields.others, (QStringList{"data.batch=32", "train.steps=20"}));
}

void StartChoiceTest::stagesAreOfferedWhereThereIsAChoice()
{
    const QStringList one{"distil"}, two{"distil", "finetune"};
    StartFields from = typed;
    from.from = "7";
    StartChoice choice;
    QVERIFY(!choice.offersStages(one, typed) && !choice.offersFrom(one, typed));
    QVERIFY(choice.offersStages(two, typed) && choice.offersFrom(two, typed));
    QVERIFY(choice.offersStages(one, from) && choice.offersFrom(one, from));

    StartRequest asked;
    asked.stage = "finetune";
    choice.take(asked);
    QVERIFY(choice.offersStages(one, typed) && choice.offersFrom(one, typed));
    asked.resume = 3; // begins with results of its own
    choice.take(asked);
    QVERIFY(choice.offersStages(two, typed) && !choice.offersFrom(two, typed));
}

void StartChoiceTest::partsOfStagesFollowOneAnother()
{
    QCOMPARE(partsOf({"a"}), QList<QStringList>());
    QCOMPARE(partsOf({"a", "b", "c"}), (QList<QStringList>{{"a", "b"}, {"a"}, {"b", "c"}, {"b"}, {"c"}}));
}

} // namespace pipebd::gui

QTEST_GUILESS_MAIN(pipebd::gui::StartChoiceTest)
#include "test_start_choice.moc"
