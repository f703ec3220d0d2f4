#include "gui/about_dialog.h"

#include "gui/about.h"
#include "gui/kit/icons.h"
#include "gui/kit/labels.h"
#include "gui/lab/found_devices.h"
#include "store/lab.h"

#include <QDialogButtonBox>
#include <QFile>
#include <QFontDatabase>
#include <QHBoxLayout>
#include <QLabel>
#include <QListWidget>
#include <QPlainTextEdit>
#include <QTabWidget>

#include <qcustomplot.h>

static void loadLicences()
{
    Q_INIT_RESOURCE(licences);
}

namespace pipebd::gui {

namespace {

struct Part {
    const char* name;
    const char* notice; // a resource: who holds the rights, and on what terms
};

constexpr Part parts[]{{"Pipe-BD Workbench", "pipebd"}, {"Qt 6", "qt"}, {"QCustomPlot", "qcustomplot"}, {"LibTorch", "libtorch"},
    {"SQLite", "sqlite"}, {"SQLiteCpp", "sqlitecpp"}, {"nlohmann JSON", "nlohmann-json"}, {"toml++", "tomlplusplus"},
    {"CLI11", "cli11"}, {"libjpeg-turbo", "libjpeg-turbo"}, {"libpng", "libpng"}, {"OpenSSL (libcrypto)", "openssl"},
    {"Digits data set", "digits"}, {"GPL, version 3", "GPL-3"}, {"LGPL, version 3", "LGPL-3"},
    {"Apache licence 2.0", "Apache-2.0"}};

QString resource(const char* name)
{
    QFile file(QStringLiteral(":/licences/%1.txt").arg(QLatin1String(name)));
    return file.open(QIODevice::ReadOnly) ? QString::fromUtf8(file.readAll()) : QString();
}

} // namespace

AboutDialog::AboutDialog(const FoundDevices& devices, QWidget* parent)
    : QDialog(parent)
    , m_versions(selectableLabel(this))
{
    setObjectName(QStringLiteral("about"));
    setWindowTitle(tr("About Pipe-BD Workbench"));
    resize(720, 480);
    auto* icon = new QLabel(this);
    icon->setPixmap(applicationIcon().pixmap(64, 64));
    QLabel* title = selectableLabel(this, tr("Pipe-BD Workbench %1").arg(programVersion()));
    scaleFont(title, 1.4, true);
    QLabel* purpose
        = selectableLabel(this, tr("Plans, runs and compares schedules for teacher-student training on several devices."));
    purpose->setWordWrap(true);
    auto* words = new QVBoxLayout;
    words->addWidget(title);
    words->addWidget(purpose);
    auto* head = new QHBoxLayout;
    head->addWidget(icon);
    head->addSpacing(8);
    head->addLayout(words, 1);

    m_versions->setObjectName(QStringLiteral("versions"));
    m_versions->setAlignment(Qt::AlignTop | Qt::AlignLeft);
    m_versions->setMargin(12);
    auto* tabs = new QTabWidget(this);
    tabs->addTab(m_versions, tr("&Versions"));
    tabs->addTab(buildLicences(), tr("&Licences"));
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close, this);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    auto* layout = new QVBoxLayout(this);
    layout->addLayout(head);
    layout->addWidget(tabs, 1);
    layout->addWidget(buttons);
    connect(&devices, &FoundDevices::changed, this, [this, &devices] { showVersions(devices); });
    showVersions(devices);
}

QWidget* AboutDialog::buildLicences()
{
    loadLicences();
    auto* page = new QWidget(this);
    auto* list = new QListWidget(page);
    list->setObjectName(QStringLiteral("licensedParts"));
    list->setAccessibleName(tr("Parts"));
    auto* text = new QPlainTextEdit(page);
    text->setObjectName(QStringLiteral("licenceText"));
    text->setAccessibleName(tr("Licence"));
    text->setReadOnly(true);
    text->setTabChangesFocus(true);
    text->setFont(QFontDatabase::systemFont(QFontDatabase::FixedFont));
    for (const Part& part : parts)
        list->addItem(QString::fromUtf8(part.name));
    list->setFixedWidth(list->sizeHintForColumn(0) + 32);
    connect(list, &QListWidget::currentRowChanged, text, [text](int row) { text->setPlainText(resource(parts[row].notice)); });
    list->setCurrentRow(0);
    auto* layout = new QHBoxLayout(page);
    layout->addWidget(list);
    layout->addWidget(text, 1);
    return page;
}

void AboutDialog::showVersions(const FoundDevices& devices)
{
    const QString libTorch = devices.libTorch().isEmpty() ? tr("unknown (no answer from pipebd doctor)") : devices.libTorch();
    m_versions->setText(QStringList{tr("Pipe-BD Workbench %1").arg(programVersion()),
        tr("Qt %1 (built with %2)").arg(QString::fromLatin1(qVersion()), QStringLiteral(QT_VERSION_STR)),
        tr("QCustomPlot %1").arg(QStringLiteral(QCUSTOMPLOT_VERSION_STR)),
        tr("SQLite %1").arg(QString::fromStdString(store::sqlite_version()).section(QLatin1Char(' '), 0, 0)),
        tr("LibTorch %1").arg(libTorch)}
                            .join(QLatin1Char('\n')));
}

} // namespace pipebd::gui
