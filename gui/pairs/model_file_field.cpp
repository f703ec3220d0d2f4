#include "gui/pairs/model_file_field.h"

#include "base/checksum.h"
#include "base/error.h"
#include "base/model_file.h"
#include "gui/kit/error_text.h"
#include "gui/kit/file_dialogs.h"
#include "gui/kit/labels.h"
#include "gui/kit/number_text.h"
#include "gui/kit/settings.h"
#include "gui/pairs/pair_description.h"

#include <QDragEnterEvent>
#include <QFile>
#include <QFileDialog>
#include <QFileInfo>
#include <QGridLayout>
#include <QLabel>
#include <QLineEdit>
#include <QMimeData>
#include <QPushButton>

namespace pipebd::gui {

ModelFile lookAtModelFile(const QString& file)
{
    ModelFile model;
    try {
        const std::filesystem::path path = toPath(file);
        const ModelFileKind kind = kind_of_model_file(path);
        model.bytes = QFileInfo(file).size();
        model.isProgram = kind == ModelFileKind::TorchScript;
        if (model.isProgram)
            model.sha256 = QString::fromStdString(sha256_of_file(path));
        else if (kind != ModelFileKind::Exported)
            throw refused_as_model(kind, path.string());
    } catch (...) {
        model.problem = currentErrorText();
    }
    return model;
}

bool looksLikeModel(const QString& file)
{
    static const QStringList suffixes{QStringLiteral("pt2"), QStringLiteral("pt"), QStringLiteral("pth"), QStringLiteral("ts"),
        QStringLiteral("safetensors"), QStringLiteral("onnx"), QStringLiteral("ckpt"), QStringLiteral("h5"),
        QStringLiteral("keras"), QStringLiteral("gguf")};
    const QFileInfo info(file);
    if (info.isDir())
        return QFile::exists(file + QStringLiteral("/saved_model.pb"));
    if (suffixes.contains(info.suffix().toLower()))
        return info.exists();
    constexpr qint64 start = 512;
    QFile in(file);
    if (!info.isFile() || !in.open(QIODevice::ReadOnly))
        return false;
    const QByteArray bytes = in.read(start);
    return bytes.contains('\0') && !bytes.startsWith("SQLite format 3");
}

ModelFileField::ModelFileField(const QString& label, Settings& settings, QWidget* parent)
    : QWidget(parent)
    , m_settings(settings)
    , m_edit(new QLineEdit(this))
    , m_says(selectableLabel(this))
    , m_looking(
          [this](ModelFile model) {
              m_model = std::move(model);
              showModel();
          },
          [](const QString&) {})
{
    setAcceptDrops(true);
    auto* title = new QLabel(label, this);
    title->setBuddy(m_edit);
    m_edit->setPlaceholderText(tr("Choose or drop a model file"));
    m_edit->setAcceptDrops(false); // a dropped file would become a URL
    m_says->setWordWrap(true);
    m_says->setObjectName(QStringLiteral("says"));
    auto* browse = new QPushButton(tr("Browse…"), this);
    browse->setAutoDefault(false);
    browse->setAccessibleName(tr("Browse for %1").arg(QString(label).remove(QLatin1Char('&'))));
    connect(browse, &QPushButton::clicked, this, &ModelFileField::browse);
    connect(m_edit, &QLineEdit::textChanged, this, &ModelFileField::look);

    auto* layout = new QGridLayout(this);
    layout->setContentsMargins({});
    layout->addWidget(title, 0, 0, 1, 2);
    layout->addWidget(m_edit, 1, 0);
    layout->addWidget(browse, 1, 1);
    layout->addWidget(m_says, 2, 0, 1, 2);
    layout->setColumnStretch(0, 1);
    setFocusProxy(m_edit);
    showModel();
}

void ModelFileField::setFile(const QString& file)
{
    m_edit->setText(QFileInfo(file).absoluteFilePath());
}

QString ModelFileField::file() const
{
    const QString named = m_edit->text().trimmed();
    return named.isEmpty() ? QString() : QFileInfo(named).absoluteFilePath();
}

void ModelFileField::browse()
{
    const QString chosen = QFileDialog::getOpenFileName(
        this, tr("Choose a model file"), m_settings.folder(QStringLiteral("models")), tr("All files (*)"));
    if (chosen.isEmpty())
        return;
    m_settings.setFolder(QStringLiteral("models"), QFileInfo(chosen).absolutePath());
    setFile(chosen);
}

void ModelFileField::look()
{
    m_model.reset();
    m_looking.forget();
    if (const QString named = file(); !named.isEmpty())
        m_looking.request([named] { return lookAtModelFile(named); });
    showModel();
}

void ModelFileField::showModel()
{
    if (!m_model)
        m_says->setText(file().isEmpty() ? tr("Recommended: a .pt2 file from torch.export.save. TorchScript also works.")
                                         : tr("Reading the file…"));
    else if (!m_model->problem.isEmpty())
        m_says->setText(tr("✗ %1").arg(m_model->problem));
    else if (m_model->isProgram)
        m_says->setText(tr("⚠ TorchScript, %1: a program that is run only if you trust it. SHA-256 %2")
                            .arg(bytesText(m_model->bytes), m_model->sha256));
    else
        m_says->setText(tr("✓ A model from torch.export.save, %1. No code in it is run.").arg(bytesText(m_model->bytes)));
    emit changed();
}

void ModelFileField::dragEnterEvent(QDragEnterEvent* event)
{
    if (!firstLocalFile(*event->mimeData()).isEmpty())
        event->acceptProposedAction();
}

void ModelFileField::dropEvent(QDropEvent* event)
{
    setFile(firstLocalFile(*event->mimeData()));
    event->acceptProposedAction();
}

} // namespace pipebd::gui
