#include "gui/kit/theme.h"

#include <QApplication>
#include <QStyle>
#include <QStyleFactory>

#include <array>

namespace pipebd::gui {

namespace {

struct Shades {
    QRgb window, base, alternate, button, text, placeholder, disabled, highlight, link, mid;
};

constexpr Shades lightShades{
    0xfff4f5f7, 0xffffffff, 0xfff7f8fa, 0xfff0f1f4, 0xff1f2328, 0xff5b636d, 0xffa3a9b1, 0xff1f6fb2, 0xff0b5cad, 0xffd0d5db};
constexpr Shades darkShades{
    0xff202327, 0xff17191c, 0xff1d2024, 0xff2d3137, 0xffe6e8eb, 0xff9aa3ad, 0xff656c75, 0xff2f7fc4, 0xff6cb6ff, 0xff3c4148};

QPalette paletteOf(const Shades& shades)
{
    const QColor window(shades.window);
    const QColor text(shades.text);
    QPalette palette;
    palette.setColor(QPalette::Window, window);
    palette.setColor(QPalette::WindowText, text);
    palette.setColor(QPalette::Base, QColor(shades.base));
    palette.setColor(QPalette::AlternateBase, QColor(shades.alternate));
    palette.setColor(QPalette::Text, text);
    palette.setColor(QPalette::Button, QColor(shades.button));
    palette.setColor(QPalette::ButtonText, text);
    palette.setColor(QPalette::BrightText, Qt::white);
    palette.setColor(QPalette::ToolTipBase, QColor(shades.base));
    palette.setColor(QPalette::ToolTipText, text);
    palette.setColor(QPalette::PlaceholderText, QColor(shades.placeholder));
    palette.setColor(QPalette::Highlight, QColor(shades.highlight));
    palette.setColor(QPalette::HighlightedText, Qt::white);
    palette.setColor(QPalette::Link, QColor(shades.link));
    palette.setColor(QPalette::LinkVisited, QColor(shades.link));
    palette.setColor(QPalette::Light, window.lighter(115));
    palette.setColor(QPalette::Midlight, window.lighter(107));
    palette.setColor(QPalette::Mid, QColor(shades.mid));
    palette.setColor(QPalette::Dark, window.darker(140));
    palette.setColor(QPalette::Shadow, window.darker(220));
    for (const QPalette::ColorRole role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText})
        palette.setColor(QPalette::Disabled, role, QColor(shades.disabled));
    palette.setColor(QPalette::Disabled, QPalette::Highlight, QColor(shades.mid));
    palette.setColor(QPalette::Disabled, QPalette::HighlightedText, QColor(shades.disabled));
    return palette;
}

// Okabe and Ito, "Color Universal Design", 2008; its black takes the colour of text.
constexpr std::array<QRgb, 7> okabeIto{0xff56b4e9, 0xffe69f00, 0xff009e73, 0xffd55e00, 0xffcc79a7, 0xff0072b2, 0xfff0e442};
constexpr int colours = static_cast<int>(okabeIto.size()) + 1;

} // namespace

QString nameOf(Theme theme)
{
    switch (theme) {
    case Theme::Light:
        return QStringLiteral("light");
    case Theme::Dark:
        return QStringLiteral("dark");
    case Theme::System:
        break;
    }
    return QStringLiteral("system");
}

std::optional<Theme> themeFromName(const QString& name)
{
    for (const Theme theme : {Theme::System, Theme::Light, Theme::Dark})
        if (name == nameOf(theme))
            return theme;
    return std::nullopt;
}

void applyTheme(Theme theme)
{
    if (QApplication::style()->objectName().compare(QLatin1String("fusion"), Qt::CaseInsensitive) != 0)
        QApplication::setStyle(QStyleFactory::create(QStringLiteral("Fusion")));
    const QPalette palette = theme == Theme::System ? QPalette() : paletteOf(theme == Theme::Dark ? darkShades : lightShades);
    QApplication::setPalette(palette);
    // Fusion draws the outlines of these darker than the window, which cannot be seen in the dark.
    QPalette outlined = palette;
    if (theme == Theme::Dark)
        outlined.setColor(QPalette::Window, QColor(darkShades.placeholder));
    for (const char* widget :
        {"QCheckBox", "QRadioButton", "QLineEdit", "QComboBox", "QAbstractSpinBox", "QTableView", "QListView", "QGroupBox"})
        QApplication::setPalette(outlined, widget);
}

bool isDark(const QPalette& palette)
{
    return palette.color(QPalette::Window).lightness() < 128;
}

QColor curveColor(int index, const QPalette& palette)
{
    const int place = index % colours;
    if (place == colours - 1)
        return palette.color(QPalette::Text);
    const QColor colour(okabeIto[static_cast<std::size_t>(place)]);
    const bool pale = colour.lightness() > 110 && colour.value() > 235 && colour.green() > 200;
    return pale && !isDark(palette) ? colour.darker(125) : colour; // yellow on white
}

Qt::PenStyle curvePenStyle(int index)
{
    static constexpr std::array styles{Qt::SolidLine, Qt::DashLine, Qt::DotLine, Qt::DashDotLine};
    return styles[static_cast<std::size_t>(index / colours) % styles.size()];
}

} // namespace pipebd::gui
