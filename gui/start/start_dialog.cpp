#include "gui/start/start_dialog.h"

#include "gui/kit/command_strip.h"
#include "gui/kit/error_text.h"
#include "gui/kit/file_dialogs.h"
#include "gui/kit/settings.h"
#include "gui/lab/found_devices.h"
#include "gui/lab/run_text.h"
#include "gui/pairs/pair_menu.h"
#include "gui/start/device_picker.h"
#include "gui/start/experiment_values.h"
#include "gui/start/overrides_table.h"
#include "schedule/strategies.h"

#include <QComboBox>
#include <QDialogButtonBox>
#include <QDragEnterEvent>
#include <QFileDialog>
#include <QFileInfo>
#include <QFormLayout>
#include <QGroupBox>
#include <QIntValidator>
#include <QLabel>
#include <QLineEdit>
#include <QLocale>
#include <QMimeData>
#include <QPushButton>
#include <QScreen>
#include <QScrollArea>
#include <QVBoxLayout>

#include <algorithm>

namespace pipebd::gui {

namespace {

QString quoted(const std::string& text)
{
    return QString::fromStdString(text).toHtmlEscaped();
}

QString toText(std::string_view text)
{
    return QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size()));
}

void selectData(QComboBox* box, const QString& data)
{
    if (box->findData(data) < 0)
        box->addItem(data, data);
    box->setCurrentIndex(box->findData(data));
}

// Rich text in which `&lt;` and the like stand for what came from files.
QString tableOf(const std::vector<std::pair<QString, QString>>& rows)
{
    QString text = QStringLiteral("<table>");
    for (const auto& [caption, value] : rows)
        text += QStringLiteral("<tr><td style=\"padding-right: 16px\"><font color=\"gray\">") + caption
            + QStringLiteral("</font></td><td><b>") + value + QStringLiteral("</b></td></tr>");
    return text + QStringLiteral("</table>");
}

} // namespace

StartDialog::StartDialog(Settings& settings, const std::filesystem::path& lab, FoundDevices& devices, QWidget* parent)
    : QDialog(parent)
    , m_settings(settings)
    , m_lab(lab)
    , m_devicesFound(devices)
    , m_file(new QComboBox(this))
    , m_summary(new QLabel(this))
    , m_error(new QLabel(this))
    , m_checked(new QLabel(this))
    , m_name(new QLineEdit(this))
    , m_checkpoint(new QComboBox(this))
    , m_strategy(new QComboBox(this))
    , m_stagesByHand(new QLabel(this))
    , m_withoutStages(new QPushButton(tr("Use automatic stages"), this))
    , m_devices(new QLineEdit(this))
    , m_picker(new DevicePicker(this))
    , m_lengthUnit(new QComboBox(this))
    , m_length(new QLineEdit(this))
    , m_profile(new QLineEdit(this))
    , m_stage(new QComboBox(this))
    , m_from(new QLineEdit(this))
    , m_overrides(new OverridesTable(this))
    , m_command(new CommandStrip(this))
    , m_buttons(new QDialogButtonBox(QDialogButtonBox::Cancel, this))
    , m_reading([this](const StartReading& reading) { take(reading); }, [this](const QString& error) { showError(error); })
    , m_check(toQString(lab))
{
    setObjectName(QStringLiteral("startDialog"));
    setWindowTitle(tr("Start a run"));
    setAcceptDrops(true);
    layOut();
    connectCheck();
    connect(&m_devicesFound, &FoundDevices::changed, this, [this] {
        m_picker->setDevices(m_devicesFound);
        m_picker->setText(m_devices->text().trimmed());
    });
    m_devicesFound.look(toQString(lab));
    m_picker->setDevices(m_devicesFound);
    fileChanged();
}

StartDialog::~StartDialog()
{
    for (QObject* child : findChildren<QObject*>())
        child->disconnect(this); // a table stores what is being typed while it goes
}

void StartDialog::layOut()
{
    auto* middle = new QWidget(this);
    auto* columns = new QHBoxLayout;
    columns->addWidget(buildFields(), 1);
    columns->addWidget(buildSummary(), 1);
    auto* middleLayout = new QVBoxLayout(middle);
    middleLayout->setContentsMargins({});
    middleLayout->addLayout(columns);
    middleLayout->addWidget(buildOverrides(), 1);
    auto* scroll = new QScrollArea(this); // large fonts and small screens
    scroll->setWidget(middle);
    scroll->setWidgetResizable(true);
    scroll->setFrameShape(QFrame::NoFrame);

    for (QLabel* label : {m_error, m_checked}) {
        label->setTextFormat(Qt::PlainText);
        label->setWordWrap(true);
        label->setTextInteractionFlags(Qt::TextSelectableByMouse);
    }
    m_error->setObjectName(QStringLiteral("error"));
    m_checked->setObjectName(QStringLiteral("checked"));
    m_checked->setForegroundRole(QPalette::PlaceholderText);

    QPushButton* start = m_buttons->addButton(tr("&Start"), QDialogButtonBox::AcceptRole);
    start->setObjectName(QStringLiteral("start"));
    start->setDefault(true);
    connect(m_buttons, &QDialogButtonBox::accepted, this, &StartDialog::accept);
    connect(m_buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);

    auto* layout = new QVBoxLayout(this);
    layout->setSpacing(10);
    layout->addWidget(buildSource());
    layout->addWidget(scroll, 1);
    layout->addWidget(m_error);
    layout->addWidget(m_checked);
    layout->addWidget(m_command);
    layout->addWidget(m_buttons);

    const QSize wanted = middle->sizeHint() + QSize(60, 240);
    resize(wanted.expandedTo({820, 0}).boundedTo(screen()->availableSize() * 0.92));
}

void StartDialog::connectCheck()
{
    connect(&m_check, &StartCheck::began, this, [this] { showCheck(tr("Checking…")); });
    connect(&m_check, &StartCheck::agreed, this, [this](const QString& words) {
        showCheck(tr("Checked: %1.").arg(words));
        emit checked();
    });
    connect(&m_check, &StartCheck::refused, this, [this](const QString& error) {
        m_choice.refuse();
        showCheck({});
        showError(error);
        emit checked();
    });
}

QWidget* StartDialog::buildSource()
{
    m_source = new QWidget(this);
    m_file->setEditable(true);
    m_file->setObjectName(QStringLiteral("file"));
    m_file->setInsertPolicy(QComboBox::NoInsert);
    m_file->addItems(m_settings.recentExperiments());
    m_file->setCurrentIndex(-1);
    m_file->lineEdit()->setPlaceholderText(tr("Choose or drop an experiment file (.toml)"));
    m_file->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
    connect(m_file, &QComboBox::currentTextChanged, this, &StartDialog::fileChanged);
    auto* label = new QLabel(tr("&Experiment:"), m_source);
    label->setBuddy(m_file);
    auto* browseButton = new QPushButton(tr("&Browse…"), m_source);
    browseButton->setAutoDefault(false);
    connect(browseButton, &QPushButton::clicked, this, &StartDialog::browse);
    auto* pairButton = new QPushButton(tr("&From a pair"), m_source);
    pairButton->setObjectName(QStringLiteral("ofAPair"));
    pairButton->setToolTip(tr("Write a default experiment for a pair"));
    pairButton->setAutoDefault(false);
    auto* pairs = new PairMenu(toQString(m_lab), pairButton);
    pairButton->setMenu(pairs);
    connect(pairs, &PairMenu::experimentChosen, this, &StartDialog::setFile);
    connect(pairs, &PairMenu::failed, this, &StartDialog::showError);
    auto* row = new QHBoxLayout(m_source);
    row->setContentsMargins({});
    row->addWidget(label);
    row->addWidget(m_file, 1);
    row->addWidget(browseButton);
    row->addWidget(pairButton);
    return m_source;
}

QWidget* StartDialog::buildFields()
{
    nameFields();
    fillLists();
    auto* box = new QGroupBox(tr("For this run"), this);
    const auto rowOf = [box](QWidget* first, QWidget* second) {
        auto* row = new QWidget(box);
        auto* layout = new QHBoxLayout(row);
        layout->setContentsMargins({});
        layout->addWidget(first, 1);
        layout->addWidget(second);
        return row;
    };
    auto* profileButton = new QPushButton(tr("B&rowse…"), box);
    connect(profileButton, &QPushButton::clicked, this, &StartDialog::browseProfile);
    for (QPushButton* button : {profileButton, m_withoutStages})
        button->setAutoDefault(false);

    m_form = new QFormLayout(box);
    m_form->setFieldGrowthPolicy(QFormLayout::AllNonFixedFieldsGrow);
    const auto addRow = [this](const QString& text, QWidget* field, QWidget* buddy) {
        m_form->addRow(text, field);
        static_cast<QLabel*>(m_form->labelForField(field))->setBuddy(buddy);
    };
    m_form->addRow(tr("&Checkpoint:"), m_checkpoint);
    m_form->addRow(tr("&Name:"), m_name);
    m_form->addRow(tr("S&trategy:"), m_strategy);
    addRow(tr("Stages by hand:"), rowOf(m_stagesByHand, m_withoutStages), m_withoutStages);
    m_form->addRow(tr("&Devices:"), m_devices);
    m_form->addRow(QString(), m_picker);
    addRow(tr("&Length:"), rowOf(m_length, m_lengthUnit), m_length);
    m_form->addRow(tr("Sta&ges:"), m_stage);
    m_form->addRow(tr("Starts from r&un:"), m_from);
    addRow(tr("&Profile:"), rowOf(m_profile, profileButton), m_profile);
    for (QWidget* hidden : std::initializer_list<QWidget*>{m_checkpoint, m_stagesByHand->parentWidget(), m_stage, m_from})
        setRowVisible(hidden, false);
    connectFields();
    return box;
}

void StartDialog::nameFields()
{
    m_name->setObjectName(QStringLiteral("name"));
    m_checkpoint->setObjectName(QStringLiteral("checkpoint"));
    m_strategy->setObjectName(QStringLiteral("strategy"));
    m_devices->setObjectName(QStringLiteral("devices"));
    m_length->setObjectName(QStringLiteral("length"));
    m_lengthUnit->setObjectName(QStringLiteral("lengthUnit"));
    m_profile->setObjectName(QStringLiteral("profile"));
    m_stage->setObjectName(QStringLiteral("stage"));
    m_from->setObjectName(QStringLiteral("from"));
    m_withoutStages->setObjectName(QStringLiteral("withoutStages"));
    m_stagesByHand->setObjectName(QStringLiteral("stagesByHand"));
    m_devices->setToolTip(
        tr("cpu, cpu@4 (four threads), cuda:0; one per rank, separated by commas; auto: all GPUs, else all cores"));
    m_profile->setPlaceholderText(tr("stored profile, or measure"));
    m_profile->setToolTip(tr("Measured block times to plan from: a file (pipebd.profile/1), or the id of a stored profile"));
    m_from->setValidator(new QIntValidator(1, 999999, m_from));
    m_from->setPlaceholderText(tr("none"));
    m_from->setToolTip(tr("Number of the finished run whose results the first stage starts from"));
    m_stagesByHand->setTextFormat(Qt::PlainText);
    m_stagesByHand->setWordWrap(true);
}

void StartDialog::fillLists()
{
    m_strategy->addItem(QString(), QString());
    m_strategy->addItem(QStringLiteral("auto"), QStringLiteral("auto"));
    for (const std::string_view name : schedule::blockwise_strategy_names())
        m_strategy->addItem(toText(name), toText(name));
    m_lengthUnit->addItem(tr("epochs"), QStringLiteral("train.epochs"));
    m_lengthUnit->addItem(tr("steps"), QStringLiteral("train.steps"));
    m_lengthUnit->setAccessibleName(tr("Unit of the length"));
}

void StartDialog::connectFields()
{
    for (QLineEdit* edit : {m_name, m_devices, m_length, m_profile, m_from})
        connect(edit, &QLineEdit::textChanged, this, &StartDialog::fieldChanged);
    for (QComboBox* combo : {m_checkpoint, m_strategy, m_lengthUnit, m_stage})
        connect(combo, &QComboBox::currentIndexChanged, this, &StartDialog::fieldChanged);
    connect(m_devices, &QLineEdit::textChanged, this, [this](const QString& text) { m_picker->setText(text.trimmed()); });
    connect(m_picker, &DevicePicker::picked, m_devices, &QLineEdit::setText);
    connect(m_withoutStages, &QPushButton::clicked, this, [this] {
        m_choice.leaveOutPlacement();
        setRowVisible(m_stagesByHand->parentWidget(), false);
        fieldChanged();
    });
}

QWidget* StartDialog::buildSummary()
{
    auto* box = new QGroupBox(tr("Experiment"), this);
    m_summary->setObjectName(QStringLiteral("summary"));
    m_summary->setTextFormat(Qt::RichText);
    m_summary->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_summary->setWordWrap(true);
    m_summary->setMinimumWidth(fontMetrics().averageCharWidth() * 48);
    auto* layout = new QVBoxLayout(box);
    layout->addWidget(m_summary);
    layout->addStretch();
    return box;
}

QWidget* StartDialog::buildOverrides()
{
    auto* box = new QGroupBox(tr("&Other settings"), this);
    box->setToolTip(tr("Any setting of an experiment file, such as data.batch"));
    auto* layout = new QVBoxLayout(box);
    layout->addWidget(m_overrides);
    connect(m_overrides, &OverridesTable::edited, this, &StartDialog::fieldChanged);
    return box;
}

void StartDialog::setRowVisible(QWidget* field, bool visible)
{
    m_form->setRowVisible(field, visible);
}

void StartDialog::setFile(const QString& file)
{
    m_file->setCurrentText(QFileInfo(file).absoluteFilePath());
}

void StartDialog::setRequest(const StartRequest& request)
{
    const StartFields fields = m_choice.take(request);
    if (m_choice.resume() > 0)
        setWindowTitle(tr("Resume run %1").arg(m_choice.resume()));
    m_source->setVisible(m_choice.resume() == 0 || !request.file.isEmpty());
    if (!request.file.isEmpty())
        setFile(request.file);

    if (!fields.name.isEmpty())
        m_name->setText(fields.name);
    m_stagesByHand->setText(m_choice.placement());
    setRowVisible(m_stagesByHand->parentWidget(), !m_choice.placement().isEmpty());
    m_overrides->setSettings(fields.others);
    if (!request.strategy.isEmpty())
        selectData(m_strategy, request.strategy);
    m_devices->setText(request.devices);
    m_profile->setText(request.profile);
    m_from->setText(request.from > 0 ? QString::number(request.from) : QString());
    fileChanged();
}

void StartDialog::browse()
{
    const QString file = QFileDialog::getOpenFileName(this, tr("Choose an experiment file"),
        m_settings.folder(QStringLiteral("experiment")), tr("Experiments (*.toml);;All files (*)"));
    if (file.isEmpty())
        return;
    m_settings.setFolder(QStringLiteral("experiment"), QFileInfo(file).absolutePath());
    setFile(file);
}

void StartDialog::browseProfile()
{
    const QString file = QFileDialog::getOpenFileName(
        this, tr("Choose a profile"), m_settings.folder(QStringLiteral("profile")), tr("Profiles (*.json);;All files (*)"));
    if (file.isEmpty())
        return;
    m_settings.setFolder(QStringLiteral("profile"), QFileInfo(file).absolutePath());
    m_profile->setText(file);
}

void StartDialog::fileChanged()
{
    m_choice.fileChanged();
    fieldChanged();
}

void StartDialog::fieldChanged()
{
    m_choice.fieldChanged();
    m_check.forget();
    showCheck({});
    if (!m_choice.isNamed(fields())) {
        m_reading.forget();
        take({});
        return;
    }
    enableStart();
    m_reading.request([request = request(), lab = m_lab] { return readStart(request, lab); });
}

void StartDialog::take(const StartReading& reading)
{
    const bool named = m_choice.isNamed(fields());
    m_choice.read(reading, fields());
    if (m_choice.isNewFile())
        fillFromFile(reading);
    if (reading.resolved)
        showSummary(*reading.resolved);
    else if (!reading.asInFile)
        m_summary->setText(named ? tr("<i>This file cannot be used.</i>") : tr("<i>Choose a file to see its contents.</i>"));
    showError(reading.problem);
    m_command->setCommand(
        m_choice.isUsable() ? QStringList{QStringLiteral("pipebd")} + runArguments(request(), toQString(m_lab)) : QStringList());
    if (m_choice.isUsable())
        m_check.ask(request());
    emit read();
    if (m_choice.startsOnceRead())
        QDialog::accept();
}

void StartDialog::enableFields(bool usable)
{
    for (QWidget* field : std::initializer_list<QWidget*>{m_name, m_checkpoint, m_strategy, m_devices, m_picker, m_length,
             m_lengthUnit, m_profile, m_stage, m_from, m_overrides})
        field->setEnabled(usable);
}

void StartDialog::fillFromFile(const StartReading& reading)
{
    const bool usable = reading.asInFile.has_value();
    enableFields(usable);
    fillCheckpoints(reading.checkpoints);
    if (!usable) {
        for (QLineEdit* edit : {m_name, m_devices, m_length})
            edit->setPlaceholderText({});
        return;
    }
    m_choice.listsFilled();
    const QSignalBlocker strategyBlocker(m_strategy);
    const QSignalBlocker unitBlocker(m_lengthUnit);
    const experiment::Experiment& experiment = *reading.asInFile;
    m_name->setPlaceholderText(QString::fromStdString(experiment.name));
    m_devices->setPlaceholderText(QString::fromStdString(experiment.run.devices));
    m_strategy->setItemText(0,
        (m_choice.resume() > 0 ? tr("%1 (as before)") : tr("%1 (as in the file)"))
            .arg(QString::fromStdString(experiment.run.strategy)));
    if (m_length->text().isEmpty())
        m_lengthUnit->setCurrentIndex(experiment.train.steps ? 1 : 0);
    m_length->setPlaceholderText(
        experiment.train.steps ? QString::number(*experiment.train.steps) : QString::number(experiment.train.epochs));
    m_overrides->setValuesInFile(valuesOf(experiment));
    fillStages(reading.stages);
}

void StartDialog::fillCheckpoints(const std::vector<StartReading::Checkpoint>& checkpoints)
{
    const QSignalBlocker checkpointBlocker(m_checkpoint);
    m_checkpoint->clear();
    m_checkpoint->addItem(tr("newest"), QString());
    m_checkpoint->addItem(tr("best (smallest loss)"), QStringLiteral("best"));
    for (const StartReading::Checkpoint& checkpoint : checkpoints)
        m_checkpoint->addItem(checkpoint.steps < 0 ? tr("%1 (damaged)").arg(checkpoint.name)
                                                   : tr("%1 (step %2)").arg(checkpoint.name, QLocale().toString(checkpoint.steps)),
            checkpoint.name);
    if (!m_choice.wantedCheckpoint().isEmpty())
        selectData(m_checkpoint, m_choice.wantedCheckpoint());
    setRowVisible(m_checkpoint, m_choice.resume() > 0);
}

void StartDialog::fillStages(const QStringList& stages)
{
    const QSignalBlocker stageBlocker(m_stage);
    m_stage->clear();
    m_stage->addItem(tr("all: %1").arg(stages.join(QStringLiteral(", "))), QString());
    for (const QStringList& part : partsOf(stages))
        m_stage->addItem(part.join(QStringLiteral(", ")), part.join(QLatin1Char(',')));
    if (!m_choice.wantedStage().isEmpty())
        selectData(m_stage, m_choice.wantedStage());
    setRowVisible(m_stage, m_choice.offersStages(stages, fields()));
    setRowVisible(m_from, m_choice.offersFrom(stages, fields()));
}

void StartDialog::showSummary(const experiment::Experiment& experiment)
{
    const QLocale locale;
    const QString length = experiment.train.steps
        ? tr("%1 steps").arg(locale.toString(static_cast<qlonglong>(*experiment.train.steps)))
        : tr("%1 epochs").arg(locale.toString(experiment.train.epochs));
    m_summary->setText(tableOf({{tr("Name"), quoted(experiment.name)}, {tr("Pair"), quoted(experiment.pair)},
        {tr("Data"), tr("%1, batches of %2").arg(quoted(experiment.data.source), locale.toString(experiment.data.batch))},
        {tr("Training"),
            tr("%1 of %2, learning rate %3")
                .arg(length, quoted(experiment.train.optimizer), locale.toString(experiment.train.learning_rate))},
        {tr("Losses"), tr("%1, last block %2").arg(quoted(experiment.distill.loss), quoted(experiment.distill.last_block_loss))},
        {tr("Runs as"),
            tr("%1 on %2, %3")
                .arg(quoted(experiment.run.strategy), quoted(experiment.run.devices), quoted(experiment.run.dtype))}}));
}

void StartDialog::showError(const QString& error)
{
    m_error->setText(error);
    m_error->setVisible(!error.isEmpty());
    QPalette colours = m_error->palette();
    colours.setColor(QPalette::WindowText, stateColor(store::RunState::Failed, palette()));
    m_error->setPalette(colours);
    enableStart();
}

void StartDialog::showCheck(const QString& words)
{
    m_checked->setText(words);
}

void StartDialog::enableStart()
{
    for (QAbstractButton* button : m_buttons->buttons())
        if (m_buttons->buttonRole(button) == QDialogButtonBox::AcceptRole)
            button->setEnabled(m_choice.canStart());
}

QString StartDialog::error() const
{
    return m_error->text();
}

StartRequest StartDialog::request() const
{
    return m_choice.request(fields());
}

StartFields StartDialog::fields() const
{
    StartFields fields;
    fields.file = m_file->currentText();
    fields.name = m_name->text();
    fields.checkpoint = m_checkpoint->currentData().toString();
    fields.strategy = m_strategy->currentData().toString();
    fields.devices = m_devices->text();
    fields.lengthKey = m_lengthUnit->currentData().toString();
    fields.length = m_length->text();
    fields.profile = m_profile->text();
    fields.stage = m_stage->currentData().toString();
    fields.from = m_from->text();
    fields.others = m_overrides->settings();
    return fields;
}

void StartDialog::accept()
{
    if (m_choice.start(m_reading.isBusy()))
        QDialog::accept();
}

void StartDialog::dragEnterEvent(QDragEnterEvent* event)
{
    if (!firstLocalFile(*event->mimeData()).isEmpty())
        event->acceptProposedAction();
}

void StartDialog::dropEvent(QDropEvent* event)
{
    setFile(firstLocalFile(*event->mimeData()));
    event->acceptProposedAction();
}

void StartDialog::changeEvent(QEvent* event)
{
    QDialog::changeEvent(event);
    if (event->type() == QEvent::PaletteChange)
        showError(m_error->text());
}

} // namespace pipebd::gui
