#include "gui/kit/message_page.h"

#include "gui/kit/icons.h"
#include "gui/kit/labels.h"

#include <QAction>
#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QVBoxLayout>

namespace pipebd::gui {

namespace {

constexpr int columnWidth = 560;

QLabel* wrappedLabel(const QString& text, QWidget* parent)
{
    QLabel* label = selectableLabel(parent, text);
    label->setWordWrap(true);
    return label;
}

} // namespace

MessagePage::MessagePage(const QString& title, const QString& text, QWidget* parent)
    : QWidget(parent)
    , m_text(wrappedLabel(text, this))
    , m_steps(new QVBoxLayout)
    , m_buttons(new QVBoxLayout)
{
    auto* column = new QWidget(this);
    column->setMinimumWidth(columnWidth / 2);
    column->setMaximumWidth(columnWidth);

    auto* icon = new QLabel(column);
    icon->setPixmap(applicationIcon().pixmap(64, 64));
    QLabel* heading = wrappedLabel(title, column);
    scaleFont(heading, 1.8, true);
    m_text->setForegroundRole(QPalette::PlaceholderText);

    auto* layout = new QVBoxLayout(column);
    layout->setContentsMargins(24, 24, 24, 24);
    layout->setSpacing(12);
    layout->addWidget(icon);
    layout->addWidget(heading);
    layout->addWidget(m_text);
    m_steps->setSpacing(10);
    layout->addLayout(m_steps);
    layout->addSpacing(8);
    m_buttons->setSpacing(8);
    layout->addLayout(m_buttons);

    auto* across = new QHBoxLayout;
    across->addStretch(1);
    across->addWidget(column, 8);
    across->addStretch(1);
    auto* down = new QVBoxLayout(this);
    down->addStretch(1);
    down->addLayout(across);
    down->addStretch(2);
}

void MessagePage::setText(const QString& text)
{
    m_text->setText(text);
}

void MessagePage::addStep(const QString& title, const QString& text)
{
    auto* number = new QLabel(QString::number(m_steps->count() + 1), this);
    scaleFont(number, 1.4, true);
    number->setForegroundRole(QPalette::Link);
    number->setAlignment(Qt::AlignTop | Qt::AlignHCenter);
    number->setFixedWidth(28);
    QLabel* heading = wrappedLabel(title, this);
    scaleFont(heading, 1, true);
    QLabel* body = wrappedLabel(text, this);
    body->setForegroundRole(QPalette::PlaceholderText);

    auto* words = new QVBoxLayout;
    words->setSpacing(2);
    words->addWidget(heading);
    words->addWidget(body);
    auto* row = new QHBoxLayout;
    row->setSpacing(10);
    row->addWidget(number, 0, Qt::AlignTop);
    row->addLayout(words, 1);
    m_steps->addLayout(row);
}

void MessagePage::addAction(QAction* action, bool isDefault)
{
    auto* button = new QPushButton(action->icon(), action->text(), this);
    button->setToolTip(action->statusTip());
    button->setMinimumHeight(36);
    button->setDefault(isDefault);
    connect(button, &QPushButton::clicked, action, &QAction::trigger);
    connect(action, &QAction::changed, button, [button, action] { button->setIcon(action->icon()); });
    m_buttons->addWidget(button);
}

MessagePage* makeWelcomePage(const QString& lab, QAction* start, QAction* findSchedule, QAction* openLab, QWidget* parent)
{
    auto* page = new MessagePage(QObject::tr("Welcome to Pipe-BD Workbench"),
        QObject::tr("Train a student network block by block from its teacher, and see how fast each schedule really is.\n"
                    "There are no runs yet in the lab %1.")
            .arg(lab),
        parent);
    page->setObjectName(QStringLiteral("welcomePage"));
    page->addStep(QObject::tr("Choose an experiment file, or a pair of networks"),
        QObject::tr("A TOML file names the pair, the data and the training. Examples come with the program, in the folder "
                    "experiments. You can drop a file onto this window. The Pairs page shows the available networks."));
    page->addStep(QObject::tr("Compare schedules, or start directly"),
        QObject::tr(
            "The Schedules page measures the blocks once and shows every strategy on a timeline, with the best one marked. A "
            "run measures by itself if necessary. It continues when this window is closed."));
    page->addStep(QObject::tr("Watch it"),
        QObject::tr("Throughput with its prediction, loss per block and memory per rank appear here during the run. "
                    "Runs started in a terminal with pipebd run are shown, too."));
    page->addAction(start, true);
    page->addAction(findSchedule, false);
    page->addAction(openLab, false);
    return page;
}

} // namespace pipebd::gui
