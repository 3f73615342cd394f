import numpy as np
import pytest
from PIL import Image

from ganzoo.errors import UsageError
from ganzoo.visual.curves import loss_figure, save_losses


def rows(count):
    return [
        {
            "step": 10 * n,
            "epoch": n / 4,
            "loss/discriminator": 1.0,
            "loss/generator": float(n),
            "score/real": 0.5,
            "score/fake": -0.5,
        }
        for n in range(1, count + 1)
    ]


def test_each_logged_row_is_a_point():
    losses, scores = loss_figure(rows(8)).axes
    generator = losses.lines[1]
    assert generator.get_label() == "generator"
    assert generator.get_xdata().tolist() == [10, 20, 30, 40, 50, 60, 70, 80]
    assert generator.get_ydata().tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert [line.get_label() for line in scores.lines] == ["real samples", "generated samples"]


def test_rows_of_an_epoch_are_averaged():
    losses, _ = loss_figure(rows(8), per="epoch").axes
    assert losses.lines[1].get_xdata().tolist() == [1, 2]
    assert losses.lines[1].get_ydata().tolist() == [2.5, 6.5]


def test_many_rows_have_their_running_mean_drawn_over_them():
    losses, _ = loss_figure(rows(200)).axes
    values, smoothed = losses.lines[2:]
    assert values.get_alpha() < 1
    assert np.allclose(smoothed.get_ydata()[10:-10], np.arange(11, 191))


def test_numbers_that_were_not_logged_have_no_panel():
    figure = loss_figure([{"step": 1, "epoch": 1.0, "loss/generator": 2.0}])
    assert len(figure.axes) == 1


def test_losses_of_other_algorithms_have_their_names():
    names = ("loss/cycle", "loss/discriminator", "loss/generator/source")
    losses, _ = loss_figure([{"step": 1, **dict.fromkeys((*names, "score/real/source"), 1.0)}]).axes
    labels = [line.get_label() for line in losses.lines]
    assert labels == ["discriminator", "cycle", "generator/source"]


@pytest.mark.parametrize("per", ["step", "epoch"])
def test_ticks_of_a_single_row_are_whole_steps(per):
    figure = loss_figure(rows(1), per=per)
    figure.draw_without_rendering()
    ticks = figure.axes[-1].get_xticks()
    low, high = figure.axes[-1].get_xlim()
    shown = [tick for tick in ticks if low <= tick <= high]
    assert shown == [10 if per == "step" else 1]


@pytest.mark.parametrize("metrics", [[], [{"step": 1, "epoch": 1.0}]])
def test_a_run_without_losses_is_refused(metrics):
    with pytest.raises(UsageError, match="no losses to plot"):
        loss_figure(metrics)


def test_figures_are_written_as_their_name_says(tmp_path):
    save_losses(rows(3), tmp_path / "losses.png", title="a run")
    with Image.open(tmp_path / "losses.png") as image:
        assert image.width == 1200
    with pytest.raises(UsageError, match=r"losses\.what: the suffix must be"):
        save_losses(rows(3), tmp_path / "losses.what")
