// ModelFileField: names a model file, by typing, browsing or dropping, and says what it is by its content.
#pragma once

#include "gui/kit/background.h"

#include <QString>
#include <QWidget>

#include <optional>

class QLabel;
class QLineEdit;

namespace pipebd::gui {

class Settings;

/// What can be told of a file without opening it as a model.
struct ModelFile {
    QString problem; // why it cannot be imported; empty if it may be
    bool isProgram = false; // TorchScript
    QString sha256; // of a program
    qint64 bytes = 0;
};

/// Reads all of a program. Throws nothing.
ModelFile lookAtModelFile(const QString& file);

/// Whether `file` is one in which somebody keeps a model, to judge by its name and first bytes: a text or an experiment is not.
bool looksLikeModel(const QString& file);

class ModelFileField : public QWidget {
    Q_OBJECT

public:
    ModelFileField(const QString& label, Settings& settings, QWidget* parent = nullptr);

    void setFile(const QString& file);
    QString file() const; // absolute; empty if none is named
    /// Of the file that is named; empty until it has been looked at.
    const std::optional<ModelFile>& model() const { return m_model; }
    bool isUsable() const { return m_model && m_model->problem.isEmpty(); }

signals:
    void changed();

protected:
    void dragEnterEvent(QDragEnterEvent* event) override;
    void dropEvent(QDropEvent* event) override;

private:
    void browse();
    void look();
    void showModel();

    Settings& m_settings;
    QLineEdit* m_edit;
    QLabel* m_says;
    std::optional<ModelFile> m_model;
    Background<ModelFile> m_looking;
};

} // namespace pipebd::gui
