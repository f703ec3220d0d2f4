#include "gui/pairs/import_check_page.h"

#include "gui/kit/command_strip.h"
#include "gui/kit/labels.h"

#include <QFontDatabase>
#include <QHeaderView>
#include <QLabel>
#include <QProgressBar>
#include <QTableView>
#include <QVBoxLayout>

namespace pipebd::gui {

ImportCheckPage::ImportCheckPage(QString lab, std::function<ImportRequest()> request, QWidget* parent)
    : QWizardPage(parent)
    , m_lab(std::move(lab))
    , m_request(std::move(request))
    , m_reading([this](ImportReport report) { show(report); }, [this](const QString& error) { refuse(error); })
    , m_bar(new QProgressBar(this))
    , m_says(selectableLabel(this))
    , m_remarks(selectableLabel(this))
    , m_table(new QTableView(this))
    , m_rows(new RowsModel(importColumns(), this))
    , m_command(selectableLabel(this))
{
    m_bar->setAccessibleName(tr("Progress of the import"));
    m_says->setObjectName(QStringLiteral("checkSays"));
    m_says->setWordWrap(true);
    m_remarks->setWordWrap(true);
    dressTable(m_table);
    m_table->setModel(m_rows);
    m_table->setSortingEnabled(false);
    m_table->setObjectName(QStringLiteral("importReport"));
    m_table->setAccessibleName(tr("The blocks of both models"));
    m_command->setWordWrap(true);
    m_command->setFont(QFontDatabase::systemFont(QFontDatabase::FixedFont));
    m_command->setForegroundRole(QPalette::PlaceholderText);
    m_command->setToolTip(tr("Equivalent command for a terminal"));
    m_command->setAccessibleName(tr("Equivalent command line"));

    auto* layout = new QVBoxLayout(this);
    layout->addWidget(m_bar);
    layout->addWidget(m_says);
    layout->addWidget(m_table, 1);
    layout->addWidget(m_remarks);
    layout->addStretch(0);
    layout->addWidget(m_command);

    connect(&m_process, &PipebdProcess::progressed, this, [this](double fraction, const QString& doing) {
        m_bar->setRange(0, 100);
        m_bar->setValue(static_cast<int>(fraction * 100));
        m_says->setText(doing);
    });
    connect(&m_process, &PipebdProcess::noted, m_says, &QLabel::setText);
    connect(&m_process, &PipebdProcess::finished, this,
        [this](const QByteArray& output) { m_reading.request([output] { return importReportFromJson(output); }); });
    connect(&m_process, &PipebdProcess::failed, this, &ImportCheckPage::refuse);
}

void ImportCheckPage::say(const QString& title, const QString& text)
{
    setTitle(title);
    setSubTitle(tr("pipebd opens the models in a separate process, cuts them into blocks and runs every block."));
    m_says->setText(text);
    m_says->setVisible(!text.isEmpty());
}

void ImportCheckPage::initializePage()
{
    const QStringList arguments = importArguments(m_request());
    m_imported = false;
    m_table->hide();
    m_remarks->hide();
    m_bar->setRange(0, 0); // it does not tell how far it is
    m_bar->show();
    m_command->setText(commandLine(QStringList{QStringLiteral("pipebd")} + arguments));
    say(tr("Checking the pair"),
        tr("The models are opened, cut into blocks and run; this may take a minute. Cancel changes nothing."));
    m_process.start(arguments
        + QStringList{
            QStringLiteral("--json"), QStringLiteral("--progress"), QStringLiteral("lines"), QStringLiteral("--lab"), m_lab});
}

void ImportCheckPage::cleanupPage()
{
    m_process.stop();
    m_reading.forget();
}

void ImportCheckPage::show(const ImportReport& report)
{
    m_imported = true;
    m_bar->hide();
    say(tr("Imported"), tr("%1 is now a pair of this lab. To use it in an experiment: pair = \"%1\".").arg(report.name));
    m_rows->setRows(report.blocks);
    m_table->resizeColumnsToContents();
    m_table->show();
    m_remarks->setText(report.remarks.join(QLatin1Char('\n')));
    m_remarks->setVisible(!report.remarks.isEmpty());
    emit completeChanged();
    emit imported(report.name);
}

void ImportCheckPage::refuse(const QString& error)
{
    m_bar->hide();
    say(tr("The pair was not imported"), tr("%1\n\nNothing was changed. Press Back to edit.").arg(error));
}

} // namespace pipebd::gui
