#include "gui/profile/measure_dialog.h"

#include "base/error.h"
#include "experiment/devices.h"
#include "gui/kit/command_strip.h"
#include "gui/kit/error_text.h"
#include "gui/kit/file_dialogs.h"
#include "gui/kit/labels.h"
#include "gui/kit/number_text.h"
#include "gui/kit/settings.h"
#include "gui/lab/run_text.h"
#include "gui/pairs/pair_description.h"
#include "gui/pairs/pair_experiment.h"
#include "schedule/profile.h"
#include "store/lab.h"

#include <QComboBox>
#include <QDialogButtonBox>
#include <QDragEnterEvent>
#include <QFileDialog>
#include <QFileInfo>
#include <QFontDatabase>
#include <QFormLayout>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QLocale>
#include <QMimeData>
#include <QProgressBar>
#include <QPushButton>
#include <QRadioButton>
#include <QRegularExpressionValidator>
#include <QSpinBox>
#include <QVBoxLayout>

#include <chrono>

namespace pipebd::gui {

using namespace std::chrono_literals;

namespace {

// The one of its pair and batch that was stored last. For another thread than the GUI's.
QString newestLike(const std::filesystem::path& lab, const schedule::Profile& profile)
{
    const store::StoredProfile* newest = nullptr;
    const std::vector<store::StoredProfile> profiles = store::Lab(lab, store::Lab::Mode::ExistingOrEmpty).profiles();
    for (const store::StoredProfile& stored : profiles)
        if (stored.key.pair == profile.pair && stored.key.batch == profile.batch && (!newest || stored.measured > newest->measured))
            newest = &stored;
    if (!newest)
        throw Error(Code::NotFound, "the new profile is missing from the lab", lab.string(), "measure again");
    return QString::fromStdString(newest->id);
}

} // namespace

MeasureDialog::MeasureDialog(Settings& settings, QString lab, QWidget* parent)
    : QDialog(parent)
    , m_settings(settings)
    , m_lab(std::move(lab))
    , m_readingPairs([this](const QStringList& pairs) { takePairs(pairs); }, [this](const QString& error) { showError(error); })
    , m_finding(
          [this](const QString& id) {
              emit measured(id);
              accept();
          },
          [this](const QString& error) {
              showError(error);
              showState();
          })
    , m_byPair(new QRadioButton(tr("A &pair:"), this))
    , m_pair(new QComboBox(this))
    , m_byExperiment(new QRadioButton(tr("An &experiment:"), this))
    , m_experiment(new QComboBox(this))
    , m_browse(new QPushButton(tr("B&rowse…"), this))
    , m_devices(new QLineEdit(this))
    , m_found(new QListWidget(this))
    , m_foundSays(selectableLabel(this, tr("Looking for devices…")))
    , m_batch(new QSpinBox(this))
    , m_sizes(new QLineEdit(this))
    , m_bar(new QProgressBar(this))
    , m_says(selectableLabel(this))
    , m_error(selectableLabel(this))
    , m_command(selectableLabel(this))
    , m_buttons(new QDialogButtonBox(this))
{
    setObjectName(QStringLiteral("measureDialog"));
    setWindowTitle(tr("Measure block costs"));
    setAcceptDrops(true);
    setMinimumWidth(600);
    dressFields();
    dressAnswers();
    layOut();
    connectFields();
    connectMeasuring();
    askPipebd();
    check();
}

void MeasureDialog::connectFields()
{
    connect(m_pair, &QComboBox::currentTextChanged, this, &MeasureDialog::check);
    connect(m_experiment, &QComboBox::currentTextChanged, this, [this](const QString& file) {
        if (!file.isEmpty())
            m_byExperiment->setChecked(true);
        check();
    });
    connect(m_byPair, &QRadioButton::toggled, this, &MeasureDialog::check);
    connect(m_devices, &QLineEdit::textChanged, this, &MeasureDialog::check);
    connect(m_sizes, &QLineEdit::textChanged, this, &MeasureDialog::check);
    connect(m_found, &QListWidget::itemActivated, this,
        [this](QListWidgetItem* item) { addDevice(item->data(Qt::UserRole).toString()); });
    connect(m_browse, &QPushButton::clicked, this, &MeasureDialog::browse);
    connect(m_start, &QPushButton::clicked, this, &MeasureDialog::measure);
    connect(m_cancel, &QPushButton::clicked, this, [this] {
        if (m_measuring.isRunning())
            m_measuring.cancel();
        else
            reject();
    });
}

void MeasureDialog::connectMeasuring()
{
    connect(&m_measuring, &PipebdProcess::progressed, this, [this](double fraction, const QString& doing) {
        m_bar->setRange(0, 1000);
        m_bar->setValue(static_cast<int>(fraction * 1000));
        m_says->setText(doing);
    });
    connect(&m_measuring, &PipebdProcess::noted, m_says, &QLabel::setText);
    connect(&m_measuring, &PipebdProcess::finished, this, &MeasureDialog::found);
    connect(&m_measuring, &PipebdProcess::failed, this, [this](const QString& error) {
        showError(error);
        showState();
    });
    connect(&m_measuring, &PipebdProcess::cancelled, this, [this] {
        showState();
        m_says->setText(tr("Cancelled. Nothing was stored."));
        m_says->show();
    });
}

void MeasureDialog::dressFields()
{
    m_byPair->setChecked(true);
    m_pair->setObjectName(QStringLiteral("pair"));
    m_pair->setAccessibleName(tr("Pair"));
    m_pair->setSizeAdjustPolicy(QComboBox::AdjustToContents);
    m_experiment->setObjectName(QStringLiteral("experiment"));
    m_experiment->setAccessibleName(tr("Experiment file"));
    m_experiment->setEditable(true);
    m_experiment->setInsertPolicy(QComboBox::NoInsert);
    m_experiment->addItems(m_settings.recentExperiments());
    m_experiment->setCurrentIndex(-1);
    m_experiment->lineEdit()->setPlaceholderText(tr("Choose or drop an experiment file (.toml)"));
    m_experiment->lineEdit()->setAcceptDrops(false);
    m_experiment->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
    m_browse->setAutoDefault(false);
    m_devices->setObjectName(QStringLiteral("measureDevices"));
    m_devices->setPlaceholderText(tr("default: as in the experiment; or cpu,cpu, cuda:0,cuda:1, auto"));
    m_devices->setToolTip(
        tr("cpu, cpu@4 (four threads), cuda:0; several of one kind, separated by commas; auto: all GPUs, else all cores"));
    m_found->setObjectName(QStringLiteral("foundDevices"));
    m_found->setAccessibleName(tr("Devices found"));
    m_found->setToolTip(tr("Press Enter or double-click to add the device"));
    m_found->setMaximumHeight(4 * fontMetrics().height() + 24);
    m_found->hide();
    m_foundSays->setWordWrap(true);
    m_foundSays->setForegroundRole(QPalette::PlaceholderText);
    m_batch->setObjectName(QStringLiteral("batch"));
    m_batch->setRange(0, 1 << 20);
    m_batch->setSpecialValueText(tr("default"));
    m_batch->setGroupSeparatorShown(true);
    m_sizes->setObjectName(QStringLiteral("furtherSizes"));
    m_sizes->setPlaceholderText(tr("only those needed; or a list such as 8,16,128"));
    m_sizes->setToolTip(tr("More batch sizes to measure, for the batch-size chart"));
    m_sizes->setValidator(
        new QRegularExpressionValidator(QRegularExpression(QStringLiteral("(\\d{1,7}(\\s*,\\s*\\d{1,7})*)?")), m_sizes));
}

void MeasureDialog::dressAnswers()
{
    m_bar->setAccessibleName(tr("Progress"));
    m_says->setObjectName(QStringLiteral("measureSays"));
    m_says->setWordWrap(true);
    m_error->setObjectName(QStringLiteral("measureError"));
    m_error->setWordWrap(true);
    m_command->setObjectName(QStringLiteral("measureCommand"));
    m_command->setWordWrap(true);
    m_command->setFont(QFontDatabase::systemFont(QFontDatabase::FixedFont));
    m_command->setForegroundRole(QPalette::PlaceholderText);
    m_command->setToolTip(tr("Equivalent command for a terminal"));
    m_start = m_buttons->addButton(tr("&Measure"), QDialogButtonBox::ActionRole);
    m_start->setObjectName(QStringLiteral("measure"));
    m_start->setDefault(true);
    m_cancel = m_buttons->addButton(QDialogButtonBox::Cancel);
    m_cancel->setObjectName(QStringLiteral("measureCancel"));
    for (QWidget* later : std::initializer_list<QWidget*>{m_bar, m_says, m_error, m_command})
        later->hide();
}

void MeasureDialog::layOut()
{
    auto* experimentRow = new QHBoxLayout;
    experimentRow->addWidget(m_experiment, 1);
    experimentRow->addWidget(m_browse);
    auto* form = new QFormLayout;
    form->addRow(m_byPair, m_pair);
    form->addRow(m_byExperiment, experimentRow);
    form->addRow(tr("&Devices:"), m_devices);
    form->addRow(tr("&Found here:"), m_found);
    form->addRow(QString(), m_foundSays);
    form->addRow(tr("&Batch:"), m_batch);
    form->addRow(tr("Extra batch &sizes:"), m_sizes);
    auto* layout = new QVBoxLayout(this);
    layout->addLayout(form);
    layout->addStretch(1);
    for (QWidget* widget : std::initializer_list<QWidget*>{m_bar, m_says, m_error, m_command, m_buttons})
        layout->addWidget(widget);
}

void MeasureDialog::askPipebd()
{
    for (PipebdProcess* process : {&m_listing, &m_doctor})
        process->setPatience(60s);
    connect(&m_listing, &PipebdProcess::finished, this, [this](const QByteArray& output) {
        m_readingPairs.request([output] {
            QStringList names;
            for (const PairEntry& pair : pairsFromJson(output))
                names << pair.name;
            return names;
        });
    });
    connect(&m_listing, &PipebdProcess::failed, this, &MeasureDialog::showError);
    connect(&m_doctor, &PipebdProcess::finished, this, &MeasureDialog::takeDevices);
    connect(&m_doctor, &PipebdProcess::failed, this,
        [this](const QString& error) { m_foundSays->setText(tr("Cannot list the devices: %1").arg(error)); });
    m_listing.start({QStringLiteral("pairs"), QStringLiteral("list"), QStringLiteral("--json"), QStringLiteral("--lab"), m_lab});
    m_doctor.start({QStringLiteral("doctor"), QStringLiteral("--json"), QStringLiteral("--lab"), m_lab});
}

void MeasureDialog::takePairs(const QStringList& pairs)
{
    const QString chosen = m_wantedPair.isEmpty() ? m_pair->currentText() : m_wantedPair;
    const QSignalBlocker blocker(m_pair);
    m_pair->clear();
    m_pair->addItems(pairs);
    if (!chosen.isEmpty() && !pairs.contains(chosen))
        m_pair->insertItem(0, chosen);
    m_pair->setCurrentText(chosen.isEmpty() ? pairs.value(0) : chosen);
    showState();
}

void MeasureDialog::takeDevices(const QByteArray& doctor)
{
    for (const QJsonValue& device : QJsonDocument::fromJson(doctor).object().value(QLatin1String("devices")).toArray()) {
        const QJsonObject found = device.toObject();
        const QString id = found.value(QLatin1String("id")).toString();
        if (id.isEmpty())
            continue;
        QString text = tr("%1 · %2, %3")
                           .arg(id, found.value(QLatin1String("name")).toString(),
                               bytesText(found.value(QLatin1String("memory_bytes")).toInteger()));
        if (const int cores = found.value(QLatin1String("cores")).toInt(); cores > 0)
            text += tr(", %1 cores").arg(QLocale().toString(cores));
        auto* item = new QListWidgetItem(text, m_found);
        item->setData(Qt::UserRole, id);
    }
    const bool any = m_found->count() > 0;
    m_found->setVisible(any);
    m_foundSays->setVisible(!any);
    m_foundSays->setText(tr("pipebd lists no devices; run pipebd doctor to see why."));
}

void MeasureDialog::addDevice(const QString& device)
{
    const QString before = m_devices->text().trimmed();
    m_devices->setText(before.isEmpty() || before == QLatin1String("auto") ? device : before + QLatin1Char(',') + device);
}

void MeasureDialog::setPair(const QString& pair)
{
    if (pair.isEmpty())
        return;
    m_wantedPair = pair;
    m_byPair->setChecked(true);
    if (m_pair->findText(pair) < 0)
        m_pair->addItem(pair);
    m_pair->setCurrentText(pair);
}

void MeasureDialog::setExperiment(const QString& file)
{
    m_experiment->setCurrentText(QFileInfo(file).absoluteFilePath());
}

void MeasureDialog::browse()
{
    const QString file = QFileDialog::getOpenFileName(this, tr("Choose an experiment file"),
        m_settings.folder(QStringLiteral("experiment")), tr("Experiments (*.toml);;All files (*)"));
    if (file.isEmpty())
        return;
    m_settings.setFolder(QStringLiteral("experiment"), QFileInfo(file).absolutePath());
    setExperiment(file);
}

void MeasureDialog::check()
{
    QString problem;
    const QString devices = m_devices->text().trimmed();
    try {
        if (!devices.isEmpty() && devices != QLatin1String("auto"))
            experiment::parse_devices(devices.toStdString(), "Devices");
    } catch (...) {
        problem = currentErrorText();
    }
    showError(problem);
    m_devicesFit = problem.isEmpty();
    showState();
}

QStringList MeasureDialog::arguments(const QString& experiment) const
{
    QStringList arguments{QStringLiteral("profile"), experiment};
    if (const QString devices = m_devices->text().trimmed(); !devices.isEmpty())
        arguments << QStringLiteral("--devices") << devices;
    if (m_batch->value() > 0)
        arguments << QStringLiteral("--set") << QStringLiteral("data.batch=%1").arg(m_batch->value());
    if (const QString sizes = m_sizes->text().remove(QLatin1Char(' ')); !sizes.isEmpty())
        arguments << QStringLiteral("--sizes") << sizes;
    return arguments;
}

void MeasureDialog::measure()
{
    QString file;
    try {
        file = m_byPair->isChecked() ? experimentOfPair(m_lab, m_pair->currentText())
                                     : QFileInfo(m_experiment->currentText().trimmed()).absoluteFilePath();
    } catch (...) {
        showError(currentErrorText());
        return;
    }
    if (m_byExperiment->isChecked())
        m_settings.addRecentExperiment(file);
    const QStringList words = arguments(file);
    m_command->setText(commandLine(QStringList{QStringLiteral("pipebd")} + words));
    m_command->show();
    showError({});
    m_says->setText(tr("Starting…"));
    m_bar->setRange(0, 0);
    m_measuring.start(words
        + QStringList{
            QStringLiteral("--json"), QStringLiteral("--progress"), QStringLiteral("lines"), QStringLiteral("--lab"), m_lab});
    showState();
}

void MeasureDialog::found(const QByteArray& profile)
{
    m_says->setText(tr("Stored."));
    m_finding.request([lab = toPath(m_lab), json = profile.toStdString()] {
        return newestLike(lab, schedule::profile_from_json(json, "the answer of pipebd profile"));
    });
}

void MeasureDialog::showError(const QString& error)
{
    m_error->setText(error);
    m_error->setVisible(!error.isEmpty());
    QPalette colours = m_error->palette();
    colours.setColor(QPalette::WindowText, stateColor(store::RunState::Failed, palette()));
    m_error->setPalette(colours);
}

QString MeasureDialog::error() const
{
    return m_error->text();
}

void MeasureDialog::showState()
{
    const bool measuring = isMeasuring();
    for (QWidget* field : std::initializer_list<QWidget*>{
             m_byPair, m_pair, m_byExperiment, m_experiment, m_browse, m_devices, m_found, m_batch, m_sizes})
        field->setEnabled(!measuring);
    m_bar->setVisible(measuring);
    m_says->setVisible(measuring);
    const bool named = m_byPair->isChecked() ? !m_pair->currentText().isEmpty() : !m_experiment->currentText().trimmed().isEmpty();
    m_start->setEnabled(named && m_devicesFit && m_sizes->hasAcceptableInput() && !measuring);
}

void MeasureDialog::dragEnterEvent(QDragEnterEvent* event)
{
    if (!firstLocalFile(*event->mimeData()).isEmpty())
        event->acceptProposedAction();
}

void MeasureDialog::dropEvent(QDropEvent* event)
{
    setExperiment(firstLocalFile(*event->mimeData()));
    event->acceptProposedAction();
}

} // namespace pipebd::gui
