#include "gui/kit/command_strip.h"

#include "gui/kit/icons.h"

#include <QApplication>
#include <QClipboard>
#include <QEvent>
#include <QFontDatabase>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QRegularExpression>
#include <QToolButton>

namespace pipebd::gui {

QString commandLine(const QStringList& words)
{
    static const QRegularExpression plain(QStringLiteral("^[A-Za-z0-9_@%+=:,./-]+$"));
    QStringList quoted;
    for (QString word : words) {
        if (!plain.match(word).hasMatch())
            word = QLatin1Char('\'') + word.replace(QLatin1Char('\''), QStringLiteral("'\\''")) + QLatin1Char('\'');
        quoted << word;
    }
    return quoted.join(QLatin1Char(' '));
}

CommandStrip::CommandStrip(QWidget* parent)
    : QWidget(parent)
    , m_line(new QLineEdit(this))
    , m_copy(new QToolButton(this))
{
    setObjectName(QStringLiteral("commandStrip"));
    m_line->setObjectName(QStringLiteral("commandLine"));
    m_line->setReadOnly(true);
    m_line->setFrame(false);
    m_line->setFont(QFontDatabase::systemFont(QFontDatabase::FixedFont));
    m_line->setAccessibleName(tr("Equivalent command line"));
    m_line->setToolTip(tr("Equivalent command for a terminal"));
    QPalette colours = m_line->palette();
    colours.setColor(QPalette::Base, Qt::transparent);
    m_line->setPalette(colours);
    m_copy->setAutoRaise(true);
    m_copy->setToolTip(tr("Copy the command line"));
    m_copy->setAccessibleName(m_copy->toolTip());
    connect(m_copy, &QToolButton::clicked, this, [this] { QApplication::clipboard()->setText(m_line->text()); });

    auto* layout = new QHBoxLayout(this);
    layout->setContentsMargins(12, 2, 8, 2);
    layout->addWidget(m_line, 1);
    layout->addWidget(m_copy);
    tint();
    setCommand({});
}

void CommandStrip::setCommand(const QStringList& words)
{
    setVisible(!words.isEmpty());
    const QString text = commandLine(words);
    if (text == m_line->text())
        return;
    m_line->setText(text);
    m_line->setCursorPosition(0);
}

QString CommandStrip::text() const
{
    return m_line->text();
}

void CommandStrip::changeEvent(QEvent* event)
{
    QWidget::changeEvent(event);
    if (event->type() == QEvent::PaletteChange)
        tint();
}

void CommandStrip::tint()
{
    m_copy->setIcon(tintedIcon(QStringLiteral("copy"), palette().color(QPalette::ButtonText)));
}

} // namespace pipebd::gui
