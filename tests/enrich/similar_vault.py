"""A vault about cooking and gardening, whose author gave every note but the stubs a tag."""

from pathlib import Path

_COOKING = """
Rye bread: Mix rye flour, water and sourdough, let the dough rise overnight and bake it hot.
Onion soup: Fry sliced onions in butter until brown, add stock and simmer for an hour.
Apple pie: Roll out the pastry, fill it with apples and cinnamon and bake until golden.
Lentil stew: Boil lentils with carrots and celery, and season with vinegar at the end.
Pancakes: Whisk eggs, milk and flour to a smooth batter and fry it in a pan.
Risotto: Toast the rice, pour wine over it and stir in hot broth ladle by ladle.
Potato salad: Boil potatoes in their skins, slice them and dress them with oil and mustard.
Roast chicken: Rub the bird with salt and herbs and roast it in the oven for an hour.
Tomato sauce: Cook tomatoes, garlic and basil down to a thick sauce for pasta.
Fish curry: Fry spices and ginger, add coconut milk and poach the fish in it.
Omelette: Beat eggs with a fork and cook them in foaming butter, folded over cheese.
Dumplings: Knead flour and eggs to a dough, shape small balls and boil them in salted water.
Pizza dough: Yeast, flour, oil and water are kneaded, rested and baked at full heat.
Pumpkin soup: Roast the pumpkin, blend it with stock and cream and season with nutmeg.
Chocolate cake: Melt chocolate with butter, fold in beaten egg whites and bake gently.
"""
_GARDEN = """
Pruning roses: Cut roses back in spring above an outward bud, and remove dead wood.
Compost: Layer leaves, grass and kitchen waste, keep it damp and turn the heap twice a year.
Sowing carrots: Sow the seed thinly in rows in April and thin the seedlings out later.
Lawn care: Mow high in summer, rake out moss in spring and feed the grass.
Planting garlic: Push cloves into the soil in October; they root before the frost.
Hedge trimming: Trim the hedge after the birds have bred, narrower at the top.
Greenhouse: Air the greenhouse on warm days, and shade young plants from the sun.
Slugs: Collect slugs at dusk, and protect young lettuce plants with a fence.
Raised beds: Fill the bed with branches, turf, compost and soil, and plant it in May.
Watering: Water the beds early in the morning, rarely and thoroughly, at the roots.
Apple trees: Thin out the crown in winter so that light reaches every branch of the tree.
Strawberries: Plant runners in August, mulch them with straw and cut old leaves off.
Bulbs: Tulip and daffodil bulbs go into the ground in autumn, twice as deep as they are high.
Mulching: Cover the soil between plants with straw or bark, so that it stays moist.
Tomato plants: Tie the plants to stakes, pinch out side shoots and keep the leaves dry.
"""
STUB = "---\ndescription:\ntags:\n---\n\n# {title}\n\n{text}\n"


def write_tagged(
    vault: Path, *, cooking: str = "cooking", garden: str = "garden", name: str = "tags"
) -> None:
    """Write thirty notes, each tagged with what it is about. name: of the property for that."""
    for tag, notes in (cooking, _COOKING), (garden, _GARDEN):
        for line in notes.strip().splitlines():
            title, _, text = line.partition(": ")
            write(vault, f"{title}.md", f"---\n{name}: [{tag}]\n---\n\n# {title}\n\n{text}\n")


def write(vault: Path, path: str, text: str) -> None:
    """Write a note."""
    file = vault / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
