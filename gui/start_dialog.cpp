#include "gui/start_dialog.h"

#include "base/error.h"
#include "gui/error_text.h"
#include "gui/run_text.h"
#include "gui/settings.h"
#include "schedule/strategies.h"

#include <QComboBox>
#include <QDialogButtonBox>
#include <QDragEnterEvent>
#include <QFileDialog>
#include <QFileInfo>
#include <QFormLayout>
#include <QGroupBox>
#include <QLabel>
#include <QLineEdit>
#include <QLocale>
#include <QMimeData>
#include <QPushButton>
#include <QVBoxLayout>

namespace pipebd::gui {

namespace {

std::vector<std::string> toStrings(const QStringList& list)
{
    std::vector<std::string> strings;
    for (const QString& text : list)
        strings.push_back(text.toStdString());
    return strings;
}

QString quoted(const std::string& text)
{
    return QString::fromStdString(text).toHtmlEscaped();
}

} // namespace

QString firstLocalFile(const QMimeData& data)
{
    for (const QUrl& url : data.urls())
        if (url.isLocalFile())
            return url.toLocalFile();
    return {};
}

StartDialog::StartDialog(Settings& settings, QWidget* parent)
    : QDialog(parent)
    , m_settings(settings)
    , m_file(new QComboBox(this))
    , m_summary(new QLabel(this))
    , m_error(new QLabel(this))
    , m_name(new QLineEdit(this))
    , m_strategy(new QComboBox(this))
    , m_devices(new QLineEdit(this))
    , m_lengthUnit(new QComboBox(this))
    , m_length(new QLineEdit(this))
    , m_buttons(new QDialogButtonBox(QDialogButtonBox::Cancel, this))
{
    setObjectName(QStringLiteral("startDialog"));
    setWindowTitle(tr("Start a run"));
    setAcceptDrops(true);
    setMinimumWidth(560);

    m_file->setEditable(true);
    m_file->setObjectName(QStringLiteral("file"));
    m_file->setInsertPolicy(QComboBox::NoInsert);
    m_file->addItems(settings.recentExperiments());
    m_file->setCurrentIndex(-1);
    m_file->lineEdit()->setPlaceholderText(tr("An experiment file (.toml); may be dropped here"));
    m_file->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
    connect(m_file, &QComboBox::currentTextChanged, this, &StartDialog::readFile);
    auto* browseButton = new QPushButton(tr("&Browse…"), this);
    browseButton->setAutoDefault(false);
    connect(browseButton, &QPushButton::clicked, this, &StartDialog::browse);
    auto* fileRow = new QHBoxLayout;
    fileRow->addWidget(m_file, 1);
    fileRow->addWidget(browseButton);

    auto* summaryBox = new QGroupBox(tr("Experiment"), this);
    m_summary->setTextFormat(Qt::RichText);
    m_summary->setTextInteractionFlags(Qt::TextSelectableByMouse);
    auto* summaryLayout = new QVBoxLayout(summaryBox);
    summaryLayout->addWidget(m_summary);
    summaryLayout->addStretch();

    auto* overrideBox = new QGroupBox(tr("For this run"), this);
    m_name->setObjectName(QStringLiteral("name"));
    m_strategy->setObjectName(QStringLiteral("strategy"));
    m_devices->setObjectName(QStringLiteral("devices"));
    m_length->setObjectName(QStringLiteral("length"));
    m_devices->setToolTip(tr("cpu, cpu@4 (four threads), cuda:0; several with commas, one a rank; auto: all GPUs, else the cores"));
    auto* lengthRow = new QHBoxLayout;
    lengthRow->addWidget(m_length, 1);
    lengthRow->addWidget(m_lengthUnit);
    auto* form = new QFormLayout(overrideBox);
    form->addRow(tr("&Name:"), m_name);
    form->addRow(tr("S&trategy:"), m_strategy);
    form->addRow(tr("&Devices:"), m_devices);
    auto* lengthLabel = new QLabel(tr("&Length:"), overrideBox);
    lengthLabel->setBuddy(m_length);
    form->addRow(lengthLabel, lengthRow);
    for (QLineEdit* edit : {m_name, m_devices, m_length})
        connect(edit, &QLineEdit::textChanged, this, &StartDialog::check);
    connect(m_strategy, &QComboBox::currentIndexChanged, this, &StartDialog::check);
    connect(m_lengthUnit, &QComboBox::currentIndexChanged, this, &StartDialog::check);

    m_error->setTextFormat(Qt::PlainText);
    m_error->setObjectName(QStringLiteral("error"));
    m_error->setWordWrap(true);
    m_error->setTextInteractionFlags(Qt::TextSelectableByMouse);

    QPushButton* start = m_buttons->addButton(tr("&Start"), QDialogButtonBox::AcceptRole);
    start->setObjectName(QStringLiteral("start"));
    start->setDefault(true);
    connect(m_buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
    connect(m_buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);

    auto* layout = new QVBoxLayout(this);
    layout->setSpacing(10);
    layout->addLayout(fileRow);
    layout->addWidget(summaryBox, 1);
    layout->addWidget(overrideBox);
    layout->addWidget(m_error);
    layout->addWidget(m_buttons);
    readFile();
}

void StartDialog::setFile(const QString& file)
{
    m_file->setCurrentText(QFileInfo(file).absoluteFilePath());
}

void StartDialog::setRequest(const StartRequest& request)
{
    m_furtherSettings = request.settings;
    if (!request.file.isEmpty())
        setFile(request.file);
    if (!request.strategy.isEmpty())
        m_strategy->setCurrentIndex(m_strategy->findData(request.strategy));
    m_devices->setText(request.devices);
    check();
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

void StartDialog::readFile()
{
    const QSignalBlocker strategyBlocker(m_strategy);
    const QSignalBlocker unitBlocker(m_lengthUnit);
    m_strategy->clear();
    m_lengthUnit->clear();
    m_asInFile.reset();
    m_summary->setText(tr("<i>Choose a file to see what it trains.</i>"));
    QString problem;
    if (!m_file->currentText().isEmpty()) {
        try {
            m_asInFile = experiment::read_experiment(toPath(m_file->currentText()));
        } catch (...) {
            problem = currentErrorText();
            m_summary->setText(tr("<i>This file cannot be used.</i>"));
        }
    }
    for (QWidget* widget : std::initializer_list<QWidget*>{m_name, m_strategy, m_devices, m_length, m_lengthUnit})
        widget->setEnabled(m_asInFile.has_value());
    if (!m_asInFile) {
        for (QLineEdit* edit : {m_name, m_devices, m_length})
            edit->setPlaceholderText({});
        showError(problem);
        return;
    }
    const experiment::Experiment& experiment = *m_asInFile;
    m_name->setPlaceholderText(QString::fromStdString(experiment.name));
    m_devices->setPlaceholderText(QString::fromStdString(experiment.run.devices));
    m_strategy->addItem(tr("%1 (as in the file)").arg(QString::fromStdString(experiment.run.strategy)), QString());
    m_strategy->addItem(QStringLiteral("auto"), QStringLiteral("auto"));
    for (const std::string_view name : schedule::blockwise_strategy_names())
        m_strategy->addItem(QString::fromUtf8(name.data(), static_cast<qsizetype>(name.size())),
            QString::fromUtf8(name.data(), static_cast<qsizetype>(name.size())));
    // A file that counts in steps is overruled in steps: they come before epochs.
    if (!experiment.train.steps)
        m_lengthUnit->addItem(tr("epochs"), QStringLiteral("train.epochs"));
    m_lengthUnit->addItem(tr("steps"), QStringLiteral("train.steps"));
    m_length->setPlaceholderText(
        experiment.train.steps ? QString::number(*experiment.train.steps) : QString::number(experiment.train.epochs));
    check();
}

QStringList StartDialog::overrides() const
{
    QStringList settings = m_furtherSettings;
    if (!m_name->text().trimmed().isEmpty())
        settings << QStringLiteral("name=") + m_name->text().trimmed();
    if (!m_length->text().trimmed().isEmpty())
        settings << m_lengthUnit->currentData().toString() + QLatin1Char('=') + m_length->text().trimmed();
    return settings;
}

void StartDialog::check()
{
    if (!m_asInFile)
        return;
    QStringList settings = overrides();
    if (const QString strategy = m_strategy->currentData().toString(); !strategy.isEmpty())
        settings << QStringLiteral("run.strategy=") + strategy;
    const QString devices = m_devices->text().trimmed();
    if (!devices.isEmpty())
        settings << QStringLiteral("run.devices=") + devices;
    try {
        if (!devices.isEmpty() && devices != QLatin1String("auto"))
            experiment::parse_devices(devices.toStdString(), "Devices");
        showSummary(experiment::read_experiment(toPath(m_file->currentText()), toStrings(settings)));
        showError({});
    } catch (...) {
        showError(currentErrorText());
    }
}

void StartDialog::showSummary(const experiment::Experiment& experiment)
{
    const QLocale locale;
    const auto row = [](const QString& caption, const QString& value) {
        return QStringLiteral("<tr><td style=\"padding-right: 16px\"><font color=\"gray\">%1</font></td><td><b>%2</b></td></tr>")
            .arg(caption, value);
    };
    const QString length = experiment.train.steps
        ? tr("%1 steps").arg(locale.toString(static_cast<qlonglong>(*experiment.train.steps)))
        : tr("%1 epochs").arg(locale.toString(experiment.train.epochs));
    m_summary->setText(
        QStringLiteral("<table>%1%2%3%4%5%6</table>")
            .arg(row(tr("Name"), quoted(experiment.name)), row(tr("Pair"), quoted(experiment.pair)),
                row(tr("Data"),
                    tr("%1, batches of %2").arg(quoted(experiment.data.source), locale.toString(experiment.data.batch))),
                row(tr("Training"),
                    tr("%1 of %2, learning rate %3")
                        .arg(length, quoted(experiment.train.optimizer), locale.toString(experiment.train.learning_rate))),
                row(tr("Losses"),
                    tr("%1, last block %2").arg(quoted(experiment.distill.loss), quoted(experiment.distill.last_block_loss))),
                row(tr("Runs as"),
                    tr("%1 on %2, %3")
                        .arg(quoted(experiment.run.strategy), quoted(experiment.run.devices), quoted(experiment.run.dtype)))));
}

void StartDialog::showError(const QString& error)
{
    m_error->setText(error);
    m_error->setVisible(!error.isEmpty());
    QPalette colours = m_error->palette();
    colours.setColor(QPalette::WindowText, stateColor(store::RunState::Failed, palette()));
    m_error->setPalette(colours);
    for (QAbstractButton* button : m_buttons->buttons())
        if (m_buttons->buttonRole(button) == QDialogButtonBox::AcceptRole)
            button->setEnabled(m_asInFile.has_value() && error.isEmpty());
}

QString StartDialog::error() const
{
    return m_error->text();
}

StartRequest StartDialog::request() const
{
    const QString file = QFileInfo(m_file->currentText()).absoluteFilePath(); // pipebd works in the folder of the lab
    return {file, m_strategy->currentData().toString(), m_devices->text().trimmed(), overrides()};
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
