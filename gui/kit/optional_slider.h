// OptionalSlider: a check box that says whether a value is supposed, and a slider that says which; with the value in words.
#pragma once

#include <QString>
#include <QWidget>

#include <functional>
#include <optional>

class QCheckBox;
class QLabel;
class QSlider;

namespace pipebd::gui {

/// Positions of a slider to values: equal steps are equal factors.
struct LogScale {
    double least = 1;
    double most = 1000;

    static constexpr int positions = 240;
    double at(int position) const;
    int positionOf(double value) const; // the nearest
};

class OptionalSlider : public QWidget {
    Q_OBJECT

public:
    /// `name`: with a mnemonic. `words`: the value as it is shown; `otherwise`: what is in force while it is not supposed.
    OptionalSlider(const QString& name, LogScale scale, std::function<QString(double)> words, const QString& otherwise,
        QWidget* parent = nullptr);

    std::optional<double> value() const;
    void setValue(std::optional<double> value);
    void setOtherwise(const QString& words);
    /// Where the slider stands when it is supposed for the first time.
    void setStart(double value);

    QSlider* slider() const { return m_slider; }
    QCheckBox* box() const { return m_box; }

signals:
    void changed();

private:
    void show();

    LogScale m_scale;
    std::function<QString(double)> m_words;
    QString m_otherwise;
    QCheckBox* m_box;
    QSlider* m_slider;
    QLabel* m_label;
};

} // namespace pipebd::gui
